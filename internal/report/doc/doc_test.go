package doc

import (
	"slices"
	"strings"
	"testing"
)

func TestMarkdownShowsEveryTextAsItIs(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"an amount stays readable", "$31.20 → $29.90 a month (at most)", "$31.20 → $29.90 a month (at most)"},
		{"line breaks and tabs are spaces", "a\r\n\tb\u2028c", "a b c"},
		{"a mention notifies nobody", "ask @team, please", "ask `@team`, please"},
		{"an issue is not linked", "(see #7)", "(see `#7`)"},
		{"nor one by another form", "GH-7 acme/shop#7", "`GH-7` `acme/shop#7`"},
		{"nor a commit", "at 1a2b3c4d5e", "at `1a2b3c4d5e`"},
		{"a large number is no commit", "7885714 requests", "7885714 requests"},
		{"an address is not linked", "see https://example.org. or www.example.org", "see `https://example.org`. or `www.example.org`"},
		{"an emoji is not drawn", "x:tada:y", "`x:tada:y`"},
		{"identifiers are code", "min_machines_running", "`min_machines_running`"},
		{"HTML is text", "<b>&amp;</b>", "&lt;b&gt;&amp;amp;&lt;/b&gt;"},
		{"a comment cannot begin", "<!-- x", "&lt;!-- x"},
		{"a pipe ends no cell", `a|b \| c`, "a&#124;b &#92;&#124; c"},
		{"nor does one in code", "@a|@b", "`@a`&#124;`@b`"},
		{"backticks do not pair", "`a @b`", "&#96;a `@b`&#96;"},
		{"emphasis is text", "**a** ~~b~~", "&#42;&#42;a&#42;&#42; &#126;&#126;b&#126;&#126;"},
		{"a link is text", "[a](b)", "&#91;a&#93;(b)"},
		{"a formula is text", "$x$ $5", "&#36;x&#36; $5"},
		{"a list cannot begin", "- a", "`-` a"},
		{"nor a numbered one", "1. a", "`1.` a"},
		{"nor a rule", "---", "`---`"},
		{"what turns text around is shown", "a\u202eb\u200bc\x1b[0m", "a&#92;u202eb&#92;u200bc&#92;u001b&#91;0m"},
		{"bytes that are no text are shown", "a\xffb", "a&#92;ufffdb"},
	} {
		if got := markdownText(T(test.text)); got != test.want {
			t.Errorf("%s: %q becomes\n%s\nwant\n%s", test.name, test.text, got, test.want)
		}
	}
}

func TestMarkdownStyles(t *testing.T) {
	for _, test := range []struct {
		text Text
		want string
	}{
		{Join(B("open fra"), T(" Frankfurt")), "**open fra** Frankfurt"},
		{Join(T("set "), C("report-dir"), T(": x")), "set `report-dir`: x"},
		{C("a`b|c"), "`a`&#96;`b`&#124;`c`"},
		{Join(C("a"), T("@b")), "`a` `@b`"},
		{A("the run", "https://example.org/a b)"), "[the run](https://example.org/a%20b%29)"},
		{A("the run", "javascript:alert(1)"), "the run"},
		{Join(T("a "), T(""), T(" b")), "a b"},
	} {
		if got := markdownText(test.text); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestBackticksInPairsEncloseCode(t *testing.T) {
	for _, test := range []struct{ name, text, want, terminal string }{
		{"a command", "run `fly apps list`, then `x`.", "run `fly apps list`, then `x`.", "run `fly apps list`, then x."},
		{"nothing else is code", "run fly", "run fly", "run fly"},
		{"at both ends", "`a` b `c`", "`a` b `c`", "a b c"},
		{"an odd one makes all of them text", "a `b` c` d", "a &#96;b&#96; c&#96; d", "a `b` c` d"},
		{"nor is nothing code", "a `` b ` ` c", "a &#96;&#96; b &#96; &#96; c", "a `` b ` ` c"},
		{"what could end code or a cell is set beside it", "`a|b <c> &d`", "`a`&#124;`b `&lt;`c`&gt;` `&amp;`d`", "`a|b <c> &d`"},
		{"code beside what becomes code", "@`team` #`7`", "`@` `team` `#` `7`", "@team # 7"},
		{"code beside code", "`a``b`", "`a b`", "`ab`"},
		{"a line cannot begin a fence", "````x````", "&#96;&#96;&#96;&#96;x&#96;&#96;&#96;&#96;", "````x````"},
	} {
		if got := markdownText(Ticked(test.text)); got != test.want {
			t.Errorf("%s: %q becomes\n%s\nwant\n%s", test.name, test.text, got, test.want)
		}
		if got := Terminal(Document{Paragraph{Ticked(test.text)}}, TerminalOptions{}); got != test.terminal+"\n" {
			t.Errorf("%s: %q is drawn as\n%s\nwant\n%s", test.name, test.text, got, test.terminal)
		}
	}
}

func TestPoints(t *testing.T) {
	d := Document{
		Callout{Level: Error, Text: T("a"), Next: T("Next: b")},
		Points{[]Callout{{Level: Warning, Text: T("c"), Next: T("Next: d")}, {Level: Note, Text: T("e?"), Next: T("Next: f")}, {Text: T("g.")}}},
	}
	want := "> [!CAUTION]\n> a\n>\n> Next: b\n\n- **warning:** c. Next: d\n- e? Next: f\n- g.\n"
	if got := Markdown(d); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	want = "error: a\n  Next: b\nwarning: c\n  Next: d\nnote: e?\n  Next: f\n- g.\n"
	if got := Terminal(d, TerminalOptions{}); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDetailsTitleIsEscapedAsHTML(t *testing.T) {
	got := Markdown(Document{Details{Title: "a <b> @team & `c`", Blocks: []Block{Paragraph{T("x")}}}})
	want := "<details><summary>a &lt;b&gt; <code>@team</code> &amp; `c`</summary>\n\nx\n\n</details>\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTerminalKeepsToItsWidth(t *testing.T) {
	d := Document{
		Heading{2, T(strings.Repeat("word ", 30))},
		Table{Columns: []Column{{Title: "a"}, {Title: "b", Right: true}}, Rows: [][]Text{{T(strings.Repeat("漢", 50)), T(strings.Repeat("x", 70))}, {T("short")}}},
		List{[]Text{T(strings.Repeat("y", 95))}},
		Callout{Level: Warning, Text: T(strings.Repeat("look ", 20)), Next: B("Next:")},
	}
	for _, width := range []int{0, 40, 57, 100} {
		got := Terminal(d, TerminalOptions{Width: width})
		if width == 0 {
			width = 100
		}
		for line := range strings.Lines(got) {
			if n := wordColumns(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("width %d: a line of %d columns: %q", width, n, line)
			}
			if strings.HasSuffix(line, " \n") {
				t.Errorf("width %d: a space at the end of %q", width, line)
			}
		}
		if n := strings.Count(got, "漢"); n != 50 {
			t.Errorf("width %d: %d of 50 characters of the broken word", width, n)
		}
	}
}

func TestTerminalKeepsCodeOnOneLine(t *testing.T) {
	call := "POST /v1/apps/shop/machines " + strings.Repeat(`{"region":"ams"}`, 9)
	got := Terminal(Document{List{[]Text{C(call), Join(T("see "), C("a b"))}}}, TerminalOptions{Width: 40})
	if want := "- " + call + "\n- see `a b`\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTerminalHasNoWorkflowCommand(t *testing.T) {
	for _, s := range []string{"::error::x", ":::x", "a\n::stop-commands::t", "x ##[error]y", "####[a]", strings.Repeat("x", 100) + "::error::y"} {
		got := Terminal(Document{Paragraph{Join(B(":"), T(s))}, Table{Columns: []Column{{}}, Rows: [][]Text{{T(s)}}}}, TerminalOptions{Width: 40})
		if strings.Contains(got, "::") || strings.Contains(got, "##[") {
			t.Errorf("%q: %q", s, got)
		}
	}
}

func TestTerminalColourIsOff(t *testing.T) {
	d := Document{Heading{2, T("a")}, Callout{Level: Error, Text: T("b")}}
	if got := Terminal(d, TerminalOptions{}); strings.Contains(got, "\x1b") {
		t.Errorf("escape sequence in %q", got)
	}
	if got := Terminal(d, TerminalOptions{Color: true}); !strings.Contains(got, ansiBold+"a"+ansiReset) {
		t.Errorf("no bold heading in %q", got)
	}
}

func TestFoldedTerminalLeavesDetailsOut(t *testing.T) {
	d := Document{Paragraph{T("a")}, Details{Title: "b", Blocks: []Block{Paragraph{T("c")}}}}
	if got := Terminal(d, TerminalOptions{Folded: true}); got != "a\n" {
		t.Errorf("got %q", got)
	}
}

func TestAtKeepsSectionsByDetail(t *testing.T) {
	p := func(s string) Block { return Paragraph{T(s)} }
	d := Document{
		p("always"),
		Section{Detail: Brief, Blocks: []Block{p("brief"), Section{Detail: Full, Blocks: []Block{p("full")}}}},
		Section{Detail: Brief, Quiet: true, Blocks: []Block{p("quiet")}},
		Details{Title: "folded", Blocks: []Block{Section{Detail: Full, Blocks: []Block{p("inside")}}}},
	}
	for _, test := range []struct {
		detail, quiet Detail
		want          string
	}{
		{Answer, Answer, "always"},
		{Brief, Answer, "always brief"},
		{Brief, Brief, "always brief quiet"},
		{Full, Full, "always brief full quiet folded inside"},
	} {
		var got []string
		for _, b := range d.At(test.detail, test.quiet) {
			if folded, ok := b.(Details); ok {
				got, b = append(got, folded.Title), folded.Blocks[0]
			}
			got = append(got, b.(Paragraph).Text[0].Text)
		}
		if want := strings.Fields(test.want); !slices.Equal(got, want) {
			t.Errorf("at %d, %d: %v, want %v", test.detail, test.quiet, got, want)
		}
	}
}
