package doc

import (
	"fmt"
	"html"
	"regexp"
	"strings"
)

// Markdown renders the document, with all its sections, as GitHub Flavored Markdown.
func Markdown(d Document) string {
	var b strings.Builder
	writeMarkdown(&b, d.At(Full, Full))
	return b.String()
}

func writeMarkdown(b *strings.Builder, d Document) {
	for i, block := range d {
		if i > 0 {
			b.WriteByte('\n')
		}
		switch x := block.(type) {
		case Heading:
			fmt.Fprintf(b, "%s %s\n", strings.Repeat("#", min(max(x.Depth, 2), 6)), markdownText(x.Text))
		case Paragraph:
			fmt.Fprintf(b, "%s\n", markdownText(x.Text))
		case Table:
			writeMarkdownTable(b, x)
		case List:
			for _, item := range x.Items {
				fmt.Fprintf(b, "- %s\n", markdownText(item))
			}
		case Points:
			for _, c := range x.Items {
				fmt.Fprintf(b, "- %s\n", markdownText(c.line()))
			}
		case Details:
			fmt.Fprintf(b, "<details><summary>%s</summary>\n\n", htmlText(x.Title))
			writeMarkdown(b, x.Blocks)
			b.WriteString("\n</details>\n")
		case Callout:
			fmt.Fprintf(b, "> [!%s]\n> %s\n", [...]string{"NOTE", "NOTE", "WARNING", "CAUTION"}[x.Level], markdownText(x.Text))
			if next := markdownText(x.Next); next != "" {
				fmt.Fprintf(b, ">\n> %s\n", next)
			}
		}
	}
}

// line puts a callout on one line: its level unless it is a note, its text,
// and the next step as a sentence of its own.
func (c Callout) line() Text {
	text := c.Text
	switch c.Level {
	case Error:
		text = Join(B("error:"), T(" "), text)
	case Warning:
		text = Join(B("warning:"), T(" "), text)
	case Bare, Note:
	}
	if len(c.Next) == 0 || len(text) == 0 {
		return Join(text, c.Next)
	}
	space := ". "
	if end := Clean(text[len(text)-1].Text); strings.HasSuffix(end, ".") || strings.HasSuffix(end, "?") || strings.HasSuffix(end, "!") {
		space = " "
	}
	return Join(text, T(space), c.Next)
}

func writeMarkdownTable(b *strings.Builder, t Table) {
	for _, c := range t.Columns {
		b.WriteString("| " + markdownText(T(c.Title)) + " ")
	}
	b.WriteString("|\n")
	for _, c := range t.Columns {
		if c.Right {
			b.WriteString("|--:")
		} else {
			b.WriteString("|---")
		}
	}
	b.WriteString("|\n")
	for _, row := range t.Rows {
		for i := range t.Columns {
			cell := ""
			if i < len(row) {
				cell = markdownText(row[i])
			}
			b.WriteString("| " + cell + " ")
		}
		b.WriteString("|\n")
	}
}

// markdownText renders a Text on one line that may stand in a paragraph, a
// heading, a list, a quote or a table's cell alike.
func markdownText(t Text) string {
	var b strings.Builder
	pieces := t.pieces()
	for i := 0; i < len(pieces); {
		first := pieces[i]
		end := i + 1
		for first.style != Plain && end < len(pieces) && pieces[end].style == first.style && pieces[end].url == first.url {
			end++
		}
		s := markdownRun(pieces[i:end], i == 0)
		// Two pieces of code side by side would be read as one.
		if first.space || strings.HasSuffix(b.String(), "`") && strings.HasPrefix(s, "`") {
			b.WriteByte(' ')
		}
		b.WriteString(s)
		i = end
	}
	return b.String()
}

// markdownRun renders words of one style; start tells that they begin the line.
func markdownRun(run []piece, start bool) string {
	switch p, url := run[0], safeURL(run[0].url); {
	case p.style == Strong:
		return "**" + markdownWords(run) + "**"
	case p.style == Code:
		return markdownCode(run)
	case p.style == Link && url != "":
		return "[" + markdownWords(run) + "](" + url + ")"
	case start && startsBlock.MatchString(p.word):
		return "`" + p.word + "`"
	}
	return markdownWords(run)
}

func markdownWords(run []piece) string {
	out := make([]string, len(run))
	for i, p := range run {
		out[i] = markdownWord(p.word)
	}
	return strings.Join(out, " ")
}

// markdownCode sets a run of words as code. The few characters that could end
// the code or a table's cell are set between two pieces of code.
func markdownCode(run []piece) string {
	out := make([]string, len(run))
	for i, p := range run {
		out[i] = p.word
	}
	return splitEscape(strings.Join(out, " "), func(s string) string { return "`" + s + "`" })
}

// markdownWord escapes one word. A word that GitHub would turn into a link, a
// mention (which notifies people), an issue reference or an emoji is set as
// code, the only place where it does not: it looks for those in the rendered
// text, where an escape is gone. For other special characters a numeric
// reference is enough: it never counts as markup, in a table neither.
func markdownWord(w string) string {
	return splitEscape(w, func(s string) string {
		if !activeWord(s) {
			return plainEscape(s)
		}
		core := strings.TrimLeft(strings.TrimRight(s, `.,;:!?)"'`), `("'`)
		if !activeWord(core) {
			core = s
		}
		before, after, _ := strings.Cut(s, core)
		return plainEscape(before) + "`" + core + "`" + plainEscape(after)
	})
}

// splitEscape writes the characters that are special in code as well as
// references, and what is between them by the given function.
func splitEscape(s string, part func(string) string) string {
	const special = "`|<>&"
	var b strings.Builder
	for s != "" {
		i := strings.IndexAny(s, special)
		if i < 0 {
			b.WriteString(part(s))
			break
		}
		if i > 0 {
			b.WriteString(part(s[:i]))
		}
		b.WriteString(reference(s[i]))
		s = s[i+1:]
	}
	return b.String()
}

func reference(c byte) string {
	switch c {
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '&':
		return "&amp;"
	}
	return fmt.Sprintf("&#%d;", c)
}

// plainEscape escapes what is left in a word outside of code. A dollar sign
// before a digit never closes a formula, so amounts stay readable; any other
// one could.
func plainEscape(s string) string {
	if !strings.ContainsAny(s, `*~[]\$`) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; c {
		case '*', '~', '[', ']', '\\':
			b.WriteString(reference(c))
		case '$':
			if i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9' {
				b.WriteByte(c)
			} else {
				b.WriteString(reference(c))
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

var (
	// startsBlock matches a first word that makes a list, a rule or an underlined heading.
	startsBlock = regexp.MustCompile(`^([-+=]+|\d{1,9}[.)])$`)
	// linked matches words that GitHub links: commits, issues and advisories.
	linked = regexp.MustCompile(`(?i)(^|[^0-9a-z])([0-9a-f]{7,64}([^0-9a-z]|$)|(gh|ghsa|cve)-[0-9a-z])`)
	emoji  = regexp.MustCompile(`:[+\-0-9A-Za-z]+:`)
)

// activeWord tells whether GitHub would make more of a word than text.
func activeWord(w string) bool {
	if strings.ContainsAny(w, "@#_") || strings.Contains(w, "://") {
		return true
	}
	switch { // the cheap questions first: this is asked for every word
	case strings.Contains(w, ".") && strings.Contains(strings.ToLower(w), "www."):
		return true
	case strings.Count(w, ":") > 1 && emoji.MatchString(w):
		return true
	}
	return (len(w) >= 7 || strings.Contains(w, "-")) && !number(w) && linked.MatchString(w)
}

// number tells whether a word is digits only, as in a count of requests.
func number(w string) bool { return strings.Trim(w, "0123456789.,") == "" }

// htmlText escapes one line for the inside of an HTML element that GitHub
// takes as it is, where Markdown does not count.
func htmlText(s string) string {
	ws := words(s)
	for i, w := range ws {
		if activeWord(w) {
			ws[i] = "<code>" + html.EscapeString(w) + "</code>"
		} else {
			ws[i] = html.EscapeString(w)
		}
	}
	return strings.Join(ws, " ")
}

// safeURL returns an http or https URL in which nothing can end a Markdown
// link, and "" for any other.
func safeURL(url string) string {
	if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") {
		return ""
	}
	var b strings.Builder
	for i := range len(url) {
		c := url[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~:/?#@!$&'*+,;=%", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
