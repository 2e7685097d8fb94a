package rbachttp

import "strings"

// noneMatch reports whether If-None-Match names an ETag: alone, in a list, as
// a weak one, or with "*" (RFC 9110, section 13.1.2). What comes behind a tag
// that is malformed does not count.
func noneMatch(headers []string, etag string) bool {
	for _, header := range headers {
		rest := strings.Trim(header, " \t,")
		if rest == "*" {
			return true
		}
		for rest != "" {
			tag, ok := strings.CutPrefix(strings.TrimPrefix(rest, "W/"), `"`)
			if !ok {
				break
			}
			opaque, after, ok := strings.Cut(tag, `"`) // a tag may have commas in it
			if !ok {
				break
			}
			if `"`+opaque+`"` == etag {
				return true
			}
			rest = strings.TrimLeft(after, " \t,")
		}
	}
	return false
}
