package decision_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/region"
)

const file = ".fly-placer/shop.yml"

func parse(text string) (decision.Decision, error) {
	return decision.Parse(file, []byte(text), region.BuiltIn())
}

func encode(t *testing.T, d decision.Decision) string {
	t.Helper()
	data, err := decision.Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTheFile(t *testing.T) {
	const want = "# .fly-placer/shop.yml: written by fly-placer, reviewed like code; edit `placement` to decide otherwise\n" + `version: 1
app: shop
groups:
  web:
    placement: {ams: 2, fra: 1, iad: 3}   # what should run
    assumes: {iad: 4}                     # what ran when this was decided
decided_at: 2026-11-23T15:00:00Z
digest: sha256:c7244ca11f02baabe352e1a6962474f6cab209dc75c094d33119478e11c64639   # SHA-256 of the RFC 8785 JSON of {version, app, groups}
`
	if diff := cmp.Diff(want, encode(t, shop())); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	bare := decision.Decision{Version: 1, App: "shop", Groups: map[string]decision.Group{"web": {Placement: counts{"ams": 1}}}}
	odd := decision.Decision{Version: 1, App: "1e3", DecidedAt: decided, Digest: "sha256:" + strings.Repeat("0", 64), Groups: map[string]decision.Group{
		"on": {Placement: counts{"yes": 1000, "off": 1}, Assumes: counts{}}, "null": {Placement: counts{"iad": 1}, Assumes: counts{"ord": 2}}, "0x1.": {Placement: counts{"nan": 1}},
	}}
	for _, d := range []decision.Decision{shop(), bare, odd} {
		got, err := decision.Parse("", []byte(encode(t, d)), region.Catalog{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWhatCannotBeReadIsNotWritten(t *testing.T) {
	for _, change := range []func(*decision.Decision){
		func(d *decision.Decision) { d.Version = 2 },
		func(d *decision.Decision) { d.App = "Shop\nx: 1" },
		func(d *decision.Decision) { d.Groups["a b"] = d.Groups["web"] },
		func(d *decision.Decision) { d.Groups["web"].Placement["iad"] = -1 },
		func(d *decision.Decision) { d.Groups["web"].Placement["--> "] = 1 },
		func(d *decision.Decision) { delete(d.Groups, "web") },
	} {
		d := shop()
		change(&d)
		if data, err := decision.Encode(d); err == nil {
			t.Errorf("wrote\n%s", data)
		}
		if text, err := decision.Embed(d); err == nil {
			t.Errorf("embedded\n%s", text)
		}
	}
}

func TestFilesThatPeopleWrite(t *testing.T) {
	want := decision.Decision{Version: 1, App: "shop", Groups: map[string]decision.Group{"web": {Placement: counts{"ams": 2}}}}
	for _, text := range []string{
		"version: 1\napp: shop\ngroups: {web: {placement: {ams: 2}}}",
		"# why\r\nversion: 1\r\napp: 'shop' # ours\r\ngroups:\r\n  web:\r\n    placement:\r\n      ams: 2\r\n      fra: 0\r\n    assumes:\r\ndecided_at:\r\ndigest:\r\n",
		`{"version": 1, "app": "shop", "groups": {"web": {"placement": {"ams": 2}}}}`,
		"\ufeff---\nversion: 1\napp: shop\ngroups: {web: {placement: {ams: 2, dfw: 0}}}\n...\n",
	} {
		got, err := parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
	d, err := parse("version: 1\napp: shop\ngroups: {web: {placement: {ams: 2}, assumes: {}}}\ndecided_at: '2026-11-23T17:00:00.5+02:00'")
	if err != nil || !d.DecidedAt.Equal(decided) || d.Groups["web"].Assumes == nil {
		t.Errorf("%+v, %v", d, err)
	}
}

// What runs in a region that takes no new Machines may stay there.
func TestRegionsThatTakeNoNewMachines(t *testing.T) {
	gone := region.BuiltIn().With(region.Region{Code: "hkg", Name: "Hong Kong", Status: region.Retired, Replacement: "nrt"})
	const head = "version: 1\napp: shop\ngroups:\n  web:\n"
	for text, want := range map[string]string{
		"    placement: {hkg: 2}\n    assumes: {hkg: 2}": "",
		"    assumes: {hkg: 2}\n    placement: {hkg: 1}": "",
		"    placement: {hkg: 3}\n    assumes: {hkg: 2}": "f line 5, groups.web.placement: hkg (Hong Kong) takes no new Machines\n  next: use nrt (Tokyo, Japan), which stands in for hkg\n",
		"    placement: {hkg: 1}":                        "f line 5, groups.web.placement: hkg (Hong Kong) takes no new Machines\n  next: use nrt (Tokyo, Japan), which stands in for hkg\n",
	} {
		_, err := decision.Parse("f", []byte(head+text), gone)
		if got := lines(err); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if _, err := decision.Parse("f", []byte(head+"    placement: {xyz: 1}"), region.Catalog{}); err != nil {
		t.Errorf("an empty catalog knows no better, but %v", err)
	}
}

func lines(err error) string {
	if err == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(err.Error() + "\n")
	for _, step := range hint.Of(err) {
		b.WriteString("  next: " + step + "\n")
	}
	return b.String()
}

// head begins files that are right so far.
const head = "version: 1\napp: shop\ngroups:\n  web:\n    placement: "

var wrong = []string{
	"", "# nothing but words\n", "just words", "- version: 1", "version: 1", "~",
	"version: 2\napp: shop\ngroups: {web: {placement: {ams: 1}}}",
	"version: one\napp: Shop\ngroups: []",
	"version: 1\nversion: 1\napp: [shop]\ngroups: {}\ndecided_at: yesterday\ndigest: sha256:12",
	"version: !!binary aGk=\napp: !x shop\ngroups: {a b: {placement: {ams: 1}}, web: {placement: {ams: 1}}, web: {}}",
	"version: 1\napp: shop\ngroup: {}\ngroups:\n  web:\n  api: 3\n  img: {placment: {ams: 2}}\n  db: {assumes: {ams: 2}}",
	head + "{ams: 2, ams: 3}", head + "{ams: -1, fra: 1.5, iad: two, nrt: 1001, lhr: '2', cdg: 02, sin: 0x2, syd: ~, arn: [1], gru: 99999999999999999999, jnb: 1_0}",
	head + "{ams: 0}", head + "{}", head + "[ams]", head + "3", head,
	head + "{iax: 1, AMS: 1, london: 1, ord1: 1, ? [x] : 1, '': 1}", head + "{hkg: 1}",
	head + "&p {ams: 1}\n    assumes: *p", head + "{<<: {ams: 1}}", head + "{ams: 1}\n---\nversion: 1",
	"a: b: c", "\tx: 1", "x: {y: 1", "a: \xc3(", "\x00",
	"decided_at: 1999-01-01T00:00:00Z\nversion: 1\napp: shop\ngroups: {web: {placement: {ams: 1}}}",
	"version: 1\napp: shop\n\"a\\u202e\\nb\": 1\ngroups: {\"\\n\": {}, web: {placement: {\"x\\ny\": 1}}}",
	head + "{ams: 1}\n" + strings.Repeat("#", 64<<10),
}

// Everything that is wrong is told at once, with its line. Read the golden file
// as the list of what messages say.
func TestWhatIsWrong(t *testing.T) {
	var b strings.Builder
	for _, text := range wrong {
		_, err := parse(text)
		if err == nil {
			t.Errorf("took %q", text)
		}
		shown := fmt.Sprintf("%q", text)
		if len(text) > 1000 {
			shown = fmt.Sprint(len(text), " bytes")
		}
		b.WriteString("# " + shown + "\n" + lines(err))
	}
	golden := filepath.Join("testdata", "wrong.txt")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s differs; set UPDATE=1 and read the difference.\n%s", golden, diff)
	}
}

func TestAFileOfAnotherKindIsWrongAHundredTimes(t *testing.T) {
	var text strings.Builder
	for i := range 500 {
		fmt.Fprintf(&text, "key%d: {}\n", i)
	}
	_, err := parse(text.String())
	if n := strings.Count(lines(err), "\n"); n != 100 {
		t.Errorf("%d lines", n)
	}
}

// A thousand million laughs in a few lines: nothing is written out.
func TestAliasesAreNotFollowed(t *testing.T) {
	var text strings.Builder
	text.WriteString("a0: &a0 [x]\n")
	for i := range 30 {
		fmt.Fprintf(&text, "a%d: &a%d [%s]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9))
	}
	text.WriteString("version: 1\napp: *a30\ngroups: *a30\n")
	if _, err := parse(text.String()); err == nil || !strings.Contains(err.Error(), "app: want one value, not an alias (write the value out)") {
		t.Errorf("%v", err)
	}
}

func TestLineOfARegion(t *testing.T) {
	text := []byte(encode(t, shop()) + "# end")
	for _, tt := range []struct {
		group string
		code  region.Code
		want  int
	}{{"web", "fra", 6}, {"web", "nrt", 6}, {"api", "fra", 4}} {
		if got := decision.Line(text, tt.group, tt.code); got != tt.want {
			t.Errorf("%s in %s: line %d, want %d", tt.group, tt.code, got, tt.want)
		}
	}
	block := []byte("groups:\n  web:\n    placement:\n      ams: 1\n      fra: 2\n")
	if got := decision.Line(block, "web", "fra"); got != 5 {
		t.Errorf("line %d, want 5", got)
	}
	if got := decision.Line([]byte("\x00"), "web", "fra"); got != 0 {
		t.Errorf("line %d of what is not YAML", got)
	}
}

func TestComment(t *testing.T) {
	hidden, err := decision.Embed(shop())
	if err != nil {
		t.Fatal(err)
	}
	const want = `<!-- fly-placer:decision:v1
version: 1
app: shop
groups:
  web:
    placement: {ams: 2, fra: 1, iad: 3}
    assumes: {iad: 4}
decided_at: 2026-11-23T15:00:00Z
digest: sha256:c7244ca11f02baabe352e1a6962474f6cab209dc75c094d33119478e11c64639
-->
`
	if diff := cmp.Diff(want, hidden); diff != "" {
		t.Error(diff)
	}
	windows := strings.ReplaceAll("text\n"+hidden, "\n", "\r\n")
	for name, body := range map[string]string{
		"alone": hidden, "among other text": "<!-- fly-placer:v1 key=a -->\n# Plan\n\n" + hidden + "\nbye", "with lines as on Windows": windows,
		"without its last line's end": strings.TrimSpace(hidden), "with blanks at the ends of lines": strings.ReplaceAll(hidden, "\n", " \n"),
		"in a long body": strings.Repeat("long\n", 1<<18) + hidden, "beside one that somebody quotes": "> " + strings.ReplaceAll(hidden, "\n", "\n> ") + "\n\n" + hidden,
	} {
		got, err := decision.Extract(body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff([]decision.Decision{shop()}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	api := shop()
	api.App = "api"
	api.Digest = api.Sum()
	other, err := decision.Embed(api)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decision.Extract("plans\n" + hidden + "and\n" + other); err != nil || !cmp.Equal(got, []decision.Decision{shop(), api}) {
		t.Errorf("of two apps: %v, %v", got, err)
	}
	for name, body := range map[string]string{
		"": "", "another comment": "<!-- fly-placer:v1 key=a -->", "in the middle of a line": "see " + hidden, "quoted": "> " + hidden,
	} {
		if got, err := decision.Extract(body); len(got) > 0 || err != nil {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	digestLine := regexp.MustCompile("digest.*\n")
	for want, body := range map[string]string{
		"there are several for shop":          hidden + "\n" + hidden,
		`it is of version "2", and only 1`:    strings.Replace(hidden, "v1", "v2", 1),
		"it does not end":                     strings.TrimSuffix(hidden, "-->\n"),
		"it was edited: its digest is":        strings.Replace(hidden, "ams: 2", "ams: 3", 1),
		"its digest is missing":               digestLine.ReplaceAllString(hidden, ""),
		`decision line 2: unknown key "apps"`: strings.Replace(hidden, "app:", "apps:", 1),
		"the document is empty":               "<!-- fly-placer:decision:v1\n-->",
		"bytes: at most 65536 are read":       strings.Replace(hidden, "\nversion", "\n#"+strings.Repeat("x", 99998)+"version", 1),
	} {
		got, err := decision.Extract(body)
		if len(got) > 0 || err == nil || !strings.Contains(err.Error(), want) || len(hint.Of(err)) == 0 {
			t.Errorf("want %q, got %v, %v", want, got, err)
		}
	}
}

// Whatever is accepted is written so that it is read again, and no document
// makes the reader fall.
func FuzzParse(f *testing.F) {
	good, err := decision.Encode(shop())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	for _, text := range wrong {
		if len(text) < 1000 {
			f.Add([]byte(text))
		}
	}
	f.Add([]byte("version: 1\napp: 1e3\ngroups: {on: {placement: {yes: 1, off: 0}, assumes: {}}}\ndecided_at: 2026-11-23T17:00:00.5+02:00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		decision.Line(data, "web", "ams")
		if _, err := decision.Parse("f", data, region.BuiltIn()); err != nil && strings.TrimSpace(err.Error()) == "" {
			t.Error("an error without words")
		}
		d, err := decision.Parse("f", data, region.Catalog{})
		if err != nil {
			return
		}
		again, err := decision.Encode(d)
		if err != nil {
			t.Fatalf("%v\n%q", err, data)
		}
		back, err := decision.Parse("f", again, region.Catalog{})
		if diff := cmp.Diff(d, back); err != nil || diff != "" || d.Sum() != back.Sum() {
			t.Errorf("%v\n%s\n%s", err, diff, again)
		}
		d.Digest = d.Sum()
		hidden, err := decision.Embed(d)
		if err != nil {
			t.Fatal(err)
		}
		found, err := decision.Extract("a\r\n" + hidden)
		if diff := cmp.Diff([]decision.Decision{d}, found); err != nil || diff != "" {
			t.Errorf("%v\n%s\n%s", err, diff, hidden)
		}
	})
}

func FuzzExtract(f *testing.F) {
	hidden, err := decision.Embed(shop())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(hidden)
	f.Add("a\r\n  " + strings.ReplaceAll(hidden, "\n", "\r\n"))
	f.Add(hidden + hidden)
	f.Add("<!-- fly-placer:decision:v1 \n-->")
	f.Fuzz(func(t *testing.T, body string) {
		found, err := decision.Extract(body)
		if err != nil && len(found) > 0 {
			t.Errorf("%v, and %+v", err, found)
		}
		for _, d := range found {
			if d.Digest == "" || d.Verify() != nil {
				t.Errorf("%+v", d)
			}
		}
	})
}
