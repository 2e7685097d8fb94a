// Command screens takes pictures of every page of the role editor, in both schemes, at
// 1280 and 390 pixels, and writes them to docs/ui. It needs Chromium.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/areagate/rbac/rbactest"
	"github.com/areagate/rbac/rbacui/internal/browsertest"
)

type shot struct {
	name, user string
	firstDay   bool
	show       func(c *browsertest.Company, t *browsertest.Tab)
}

func visit(name, user, segment string, pairs ...string) shot {
	return shot{name, user, false, func(_ *browsertest.Company, t *browsertest.Tab) { t.Visit(segment, pairs...) }}
}

var shots = []shot{
	visit("roles", browsertest.Lena, ""),
	{"first-day", browsertest.Mara, true, func(_ *browsertest.Company, t *browsertest.Tab) { t.Visit("") }},
	{"role", browsertest.Lena, false, func(_ *browsertest.Company, t *browsertest.Tab) {
		edit(t)
		t.Wait(`document.querySelector('[data-save-text]').textContent.includes('3 changes')`)
	}},
	{"role-refused", browsertest.Lena, false, func(_ *browsertest.Company, t *browsertest.Tab) {
		edit(t)
		t.Write("#name", "Sales")
		t.Submit("[data-save]")
	}},
	visit("role-new", browsertest.Lena, "role-new"),
	visit("role-system", browsertest.Lena, "role", "id", "Administrator"),
	visit("role-delete", browsertest.Lena, "role-delete", "id", "Support, night shift"),
	visit("members", browsertest.Lena, "members"),
	visit("members-delegate", browsertest.Hedda, "members"),
	{"members-change", browsertest.Lena, false, func(_ *browsertest.Company, t *browsertest.Tab) {
		t.Visit("members")
		for _, user := range []string{"tomas.vikberg", "aino.kallasto", "nia.tamsworth"} {
			t.Click(fmt.Sprintf(".pick[value=%q]", user))
		}
		t.Select("#bulk-role", "Sales lead")
		t.Submit(`.bulkbar button[value=assign]`)
	}},
	visit("member", browsertest.Lena, "member", "user", browsertest.Tomas, "role", "Sales lead", "action", "manage", "area", "claims"),
	visit("member-new", browsertest.Lena, "member-new", "q", "a"),
	{"conflict", browsertest.Lena, false, func(c *browsertest.Company, t *browsertest.Tab) {
		edit(t)
		err := c.Meanwhile(t.Context, "Sales lead", browsertest.Mara, "contacts: read all, manage own; organizations: read all, manage team; deals: read all, manage team; services: read all, manage own; tasks: read team, manage team; users: read own")
		if err != nil {
			t.Fail(err)
		}
		t.Submit("[data-save]")
	}},
	visit("review", browsertest.Lena, "review", "action", "manage", "area", "deals"),
	{"audit", browsertest.Lena, false, func(_ *browsertest.Company, t *browsertest.Tab) {
		t.Visit("audit")
		t.Submit("button[value=verify]")
		t.Click(".event summary")
	}},
	visit("denied", browsertest.Tomas, ""),
	{"signed-out", browsertest.Lena, false, func(_ *browsertest.Company, t *browsertest.Tab) {
		edit(t)
		t.SignIn("")
		t.Submit("[data-save]")
	}},
	{"unavailable", browsertest.Lena, false, func(c *browsertest.Company, t *browsertest.Tab) {
		edit(t)
		c.Faults.Fail(context.DeadlineExceeded, rbactest.OpView, rbactest.OpUpdate)
		t.Submit("[data-save]")
	}},
	{"outcome-unknown", browsertest.Lena, false, func(c *browsertest.Company, t *browsertest.Tab) {
		edit(t)
		c.Faults.LoseCommits(true)
		t.Submit("[data-save]")
	}},
	visit("not-found", browsertest.Lena, "role", "id", "gone"),
}

// edit makes three changes in the dialog.
func edit(t *browsertest.Tab) {
	t.Visit("role", "id", "Sales lead")
	t.Choose("contacts.manage", "team")
	t.Choose("deals.manage", "all")
	t.Choose("tasks.manage", "all")
}

func main() {
	log.SetFlags(0)
	out := flag.String("out", "../../../docs/ui", "`folder` for the pictures")
	only := flag.String("only", "", "the `name` of the one page to take")
	whole := flag.Bool("whole", false, "take pages as high as they are, not one screen of them")
	flag.Parse()
	if err := take(*out, *only, *whole); err != nil {
		log.Fatal(err)
	}
}

func take(out, only string, whole bool) error {
	ctx := context.Background()
	browser, end, err := browsertest.Start(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, s := range shots {
		if only != "" && s.name != only {
			continue
		}
		if err := s.take(ctx, browser, out, whole); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func (s shot) take(ctx, browser context.Context, out string, whole bool) error {
	company, err := browsertest.Found(ctx, s.firstDay)
	if err != nil {
		return err
	}
	defer company.Close()
	t, leave := company.Open(browser, s.user, true, func(err error) { log.Fatalf("%s: %v", s.name, err) })
	defer leave()
	t.Scheme("light")
	s.show(company, t)
	// A font of the host's, where it is installed.
	browsertest.Evaluate[bool](t, `document.documentElement.style.setProperty('--rbac-font', 'Inter, system-ui, sans-serif'), true`)
	for _, width := range []int64{1280, 390} {
		for _, scheme := range []string{"light", "dark"} {
			t.Width(width)
			t.Scheme(scheme)
			picture, err := small(t.Picture(whole))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(out, fmt.Sprintf("%s-%d-%s.png", s.name, width, scheme)), picture, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// small writes a picture with at most 32 colours, each the most frequent of those
// like it, and bright ones before grey ones: pages have few, and the rest are the
// edges of letters.
func small(picture []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	count := map[color.RGBA]int{}
	bounds := full.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[color.RGBAModel.Convert(full.At(x, y)).(color.RGBA)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int { return count[b]*(8+chroma(b)) - count[a]*(8+chroma(a)) })
	var palette color.Palette
	for _, c := range colours {
		if len(palette) < 32 && !slices.ContainsFunc(palette, func(p color.Color) bool { return alike(p.(color.RGBA), c) }) {
			palette = append(palette, c)
		}
	}
	reduced := image.NewPaletted(bounds, palette)
	nearest := map[color.RGBA]uint8{}
	for c := range count {
		nearest[c] = uint8(palette.Index(c))
	}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			reduced.SetColorIndex(x, y, nearest[color.RGBAModel.Convert(full.At(x, y)).(color.RGBA)])
		}
	}
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, reduced)
	return b.Bytes(), err
}

func chroma(c color.RGBA) int { return int(max(c.R, c.G, c.B)) - int(min(c.R, c.G, c.B)) }

// alike reports whether two colours look the same in a letter. Surfaces, which are
// wide and nearly the same, are told apart.
func alike(a, b color.RGBA) bool {
	far := 0
	for _, d := range []int{int(a.R) - int(b.R), int(a.G) - int(b.G), int(a.B) - int(b.B)} {
		far = max(far, d, -d)
	}
	return far < 3 || far < 28 && min(a.R, b.R) > 70 && max(a.R, b.R) < 200
}
