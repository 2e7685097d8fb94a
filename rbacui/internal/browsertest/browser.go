package browsertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	browserlog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// ErrNoChromium is returned by [Start] where there is no Chromium.
var ErrNoChromium = errors.New("there is no chromium: apt-get install chromium")

// Start starts Chromium. The context that it returns ends it, and makes tabs.
func Start(ctx context.Context) (context.Context, context.CancelFunc, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, nil, ErrNoChromium
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.Flag("lang", "en-GB"), chromedp.Env("TZ=UTC", "LANGUAGE=en_GB"))
	ctx, end := chromedp.NewExecAllocator(ctx, options...)
	ctx, _ = chromedp.NewContext(ctx)
	if err := chromedp.Do(ctx); err != nil {
		end()
		return nil, nil, err
	}
	return ctx, end, nil
}

// Tab is a browser of its own, with one page. What fails is given to Fail, which does
// not return.
type Tab struct {
	Context context.Context
	Fail    func(error)
	link    func(segment string, pairs ...string) string

	mu         sync.Mutex
	complaints []string
}

// Open opens a browser, whose links begin with an address. The function ends it.
func Open(browser context.Context, address string, script bool, fail func(error)) (*Tab, context.CancelFunc) {
	t := &Tab{Fail: fail, link: func(segment string, pairs ...string) string { return link(address+segment, pairs...) }}
	ctx, leave := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(t.listen))
	t.Context = ctx
	if err := chromedp.Do(ctx); err != nil {
		fail(err)
	}
	t.do(
		command(browserlog.Enable, cdp.Empty{}),
		command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}),
	)
	t.Script(script)
	t.Width(1280)
	return t, leave
}

// SignIn makes somebody else of who looks at the pages of a [Company]: nobody, if
// user is empty.
func (t *Tab) SignIn(user string) {
	t.do(command(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"X-User": user}}))
}

// most is how long a step may take, on a machine that is busy with much else: only
// what fails reaches it.
const most = 20 * time.Second

func run[T any](t *Tab, step chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(t.Context, most)
	defer cancel()
	return chromedp.Run(ctx, step)
}

// command is a command of the protocol as a step.
func command[P, R any](cmd cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, cmd, params)
		return err
	})
}

var refusal = regexp.MustCompile(`^Failed to load resource: the server responded with a status of (403|404|409|422) `)

// listen collects what the browser complains about: errors of the script, and what
// the Content-Security-Policy refuses. An answer with the status of a refusal is none.
func (t *Tab) listen(event any) {
	var complaint string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		complaint = fmt.Sprintf("exception: %s %v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
	case *runtime.EventConsoleAPICalled:
		complaint = fmt.Sprintf("console.%s: %v", e.Type, e.Args)
	case *browserlog.EventEntryAdded:
		// Without a click before, a page cannot ask about what is not saved.
		if !refusal.MatchString(e.Entry.Text) && e.Entry.Source != browserlog.EntrySourceIntervention {
			complaint = fmt.Sprintf("%s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	case *page.EventJavascriptDialogOpening:
		complaint = fmt.Sprintf("dialog: %s", e.Type)
		go t.do(command(page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: false}))
	}
	if complaint != "" {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.complaints = append(t.complaints, complaint)
	}
}

// Complaints returns, once, what the browser has complained about.
func (t *Tab) Complaints() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	complaints := t.complaints
	t.complaints = nil
	return complaints
}

func (t *Tab) do(steps ...chromedp.Action[chromedp.Void]) {
	if _, err := run(t, chromedp.Steps(steps...)); err != nil {
		t.Fail(err)
	}
}

// ForgetCookies ends what a page was told to keep, as the end of a session does.
func (t *Tab) ForgetCookies() {
	t.do(command(network.ClearBrowserCookies, cdp.Empty{}))
}

// Script allows pages to run script, or not.
func (t *Tab) Script(allowed bool) {
	t.do(command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !allowed}))
}

// Width sets the width of the page in pixels.
func (t *Tab) Width(pixels int64) {
	t.size(pixels, 900)
}

func (t *Tab) size(width, height int64) {
	t.do(command(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1}))
}

// Paper shows the page as it is printed, on the width of A4 without its margins. In
// dark colours the paper stays light.
func (t *Tab) Paper() {
	t.Width(690)
	t.do(command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print", Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: "dark"}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}))
}

var sheet = regexp.MustCompile(`/MediaBox \[0 0 (\d+ \d+)\]`)

// Sheets returns the width and the height of each sheet on which the page is printed, in
// points: "612 792" for one that stands upright.
func (t *Tab) Sheets() []string {
	pdf, err := run(t, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	if err != nil {
		t.Fail(err)
	}
	var sheets []string
	for _, s := range sheet.FindAllSubmatch(pdf, -1) {
		sheets = append(sheets, string(s[1]))
	}
	return sheets
}

// Screen shows the page as it is seen again.
func (t *Tab) Screen() {
	t.Scheme("light")
	t.Width(1280)
}

// Scheme sets the colours: light or dark. Nothing moves, so that what is seen is the end.
func (t *Tab) Scheme(scheme string) {
	t.do(command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}))
}

func link(address string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	if len(values) == 0 {
		return address
	}
	return address + "?" + values.Encode()
}

// Visit loads a page, and returns its status.
func (t *Tab) Visit(segment string, pairs ...string) int {
	answer, err := run(t, chromedp.NavigateResponse(t.link(segment, pairs...)))
	if err != nil {
		t.Fail(fmt.Errorf("%s: %w", segment, err))
	}
	if answer == nil {
		return http.StatusOK
	}
	return int(answer.Status)
}

// Click clicks where the mouse can.
func (t *Tab) Click(selector string) {
	if _, err := run(t, chromedp.Click(chromedp.CSS(selector))); err != nil {
		t.Fail(fmt.Errorf("click %s: %w", selector, err))
	}
}

// Choose chooses of radio buttons.
func (t *Tab) Choose(name, value string) {
	t.Click(fmt.Sprintf("label:has(> input[name=%q][value=%q])", name, value))
}

// Submit clicks on what leads to another page, and returns the status of that.
func (t *Tab) Submit(selector string) int {
	return t.leave(selector, chromedp.Click(chromedp.CSS(selector)))
}

// Follow clicks on the link with a text, which leads to another page, and returns the
// status of that.
func (t *Tab) Follow(text string) int {
	if !Evaluate[bool](t, fmt.Sprintf(`(() => {
		const link = [...document.querySelectorAll('a')].find(a => a.textContent.trim() === %q && a.checkVisibility());
		link?.setAttribute('data-follow', '');
		return !!link;
	})()`, text)) {
		t.Fail(fmt.Errorf("there is no link %q", text))
	}
	return t.Submit("[data-follow]")
}

func (t *Tab) leave(how string, step chromedp.Action[chromedp.Void]) int {
	ctx, cancel := context.WithTimeout(t.Context, most)
	defer cancel()
	answer, err := chromedp.RunResponse(ctx, step)
	if err != nil {
		t.Fail(fmt.Errorf("leave by %s: %w", how, err))
	}
	if answer == nil {
		t.Fail(fmt.Errorf("leave by %s: the page stays", how))
	}
	return int(answer.Status)
}

// Press presses keys, or writes a text.
func (t *Tab) Press(keys string) { t.do(chromedp.KeyEvent(keys)) }

// PressAway presses a key that leads to another page, and returns the status of that.
func (t *Tab) PressAway(key string) int { return t.leave("a key", chromedp.KeyEvent(key)) }

// Enter presses Enter as one event, as a keyboard does: where that moves the focus, the
// character is not for what has it then.
func (t *Tab) Enter() {
	key := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: "Enter", Code: "Enter", Text: "\r", WindowsVirtualKeyCode: 13}
	up := key
	up.Type, up.Text = input.DispatchKeyEventTypeKeyUp, ""
	t.do(command(input.DispatchKeyEvent, key), command(input.DispatchKeyEvent, up))
}

// Reach presses Tab until something has the focus.
func (t *Tab) Reach(selector string) {
	for range 200 {
		if Evaluate[bool](t, fmt.Sprintf("document.activeElement.matches(%q)", selector)) {
			return
		}
		t.Press(kb.Tab)
	}
	t.Fail(fmt.Errorf("Tab does not reach %s", selector))
}

// Write puts a text into a field, in the place of what is there.
func (t *Tab) Write(selector, text string) {
	Evaluate[bool](t, fmt.Sprintf("document.querySelector(%q).select(), true", selector))
	t.Press(text)
}

// Select selects an option by its text, of a select or a group in one.
func (t *Tab) Select(selector, option string) {
	if !Evaluate[bool](t, fmt.Sprintf(`(() => {
		const within = document.querySelector(%q), option = [...within.querySelectorAll('option')].find(o => o.text === %q && !o.disabled);
		if (!option) return false;
		const select = option.closest('select');
		select.value = option.value;
		select.dispatchEvent(new Event('change', {bubbles: true}));
		return true;
	})()`, selector, option)) {
		t.Fail(fmt.Errorf("%s has no option %q", selector, option))
	}
}

// Evaluate returns what an expression is in the page.
func Evaluate[T any](t *Tab, expression string) T {
	value, err := run(t, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fail(fmt.Errorf("%.80s: %w", expression, err))
	}
	return value
}

// Wait waits until an expression is true in the page.
func (t *Tab) Wait(expression string) {
	_, err := run(t, chromedp.Poll[bool](expression, chromedp.WithPollingInterval(10*time.Millisecond)))
	if err != nil {
		t.Fail(fmt.Errorf("wait for %s: %w", expression, err))
	}
}

// Picture returns a picture of what is seen, or of the whole page, as PNG.
func (t *Tab) Picture(whole bool) []byte {
	if whole {
		// As high as it is: what sticks to an edge is then where it is in the end.
		t.size(Evaluate[int64](t, "innerWidth"), Evaluate[int64](t, "document.documentElement.scrollHeight"))
	}
	Evaluate[bool](t, "scrollTo(0, 0), true")
	picture, err := run(t, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fail(err)
	}
	return picture
}
