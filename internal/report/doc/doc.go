// Package doc is a small document: headings, paragraphs, tables, lists,
// details and callouts, rendered as GitHub Markdown or for a terminal.
//
// Every text is taken as foreign. There is no way to pass markup through: the
// renderers escape each word for their context, so that an app name, a label
// or an API's message can be put anywhere.
package doc

import "strings"

// A Document is a sequence of blocks.
type Document []Block

// A Block is a Heading, Paragraph, Table, List, Points, Details, Callout or Section.
type Block interface{ block() }

// A Heading has a Depth from 2 to 6; deeper ones are drawn as 6.
type Heading struct {
	Depth int
	Text  Text
}

// A Paragraph is one paragraph of text.
type Paragraph struct{ Text Text }

// A Table has as many cells in each row as it has columns; missing ones are empty.
type Table struct {
	Columns []Column
	Rows    [][]Text
}

// A Column is a table's column.
type Column struct {
	Title string
	Right bool // align right
}

// A List is a bulleted list.
type List struct{ Items []Text }

// Points are callouts that stand out less: a bulleted list on GitHub, drawn as
// callouts are on a terminal.
type Points struct{ Items []Callout }

// Details are folded where that is possible, and shown under their title elsewhere.
type Details struct {
	Title  string
	Blocks []Block
}

// A Callout stands out: an alert on GitHub, which shows it properly only
// outside of other blocks.
type Callout struct {
	Level CalloutLevel
	Text  Text
	// Next is the next step; it may be empty.
	Next Text
}

// A CalloutLevel says how much a Callout matters.
type CalloutLevel int

// The levels.
const (
	Bare CalloutLevel = iota // a bullet in place of the level's name; only in Points
	Note
	Warning
	Error
)

// A Section is a run of blocks that At may leave out.
type Section struct {
	// Detail is the lowest detail at which the blocks are shown.
	Detail Detail
	// Quiet marks blocks that matter less than others of the same Detail.
	Quiet  bool
	Blocks []Block
}

func (Heading) block()   {}
func (Paragraph) block() {}
func (Table) block()     {}
func (List) block()      {}
func (Points) block()    {}
func (Details) block()   {}
func (Callout) block()   {}
func (Section) block()   {}

// Detail orders what may leave a document when there is little room.
type Detail int

// The details, from what always stays to what leaves first.
const (
	Answer Detail = iota
	Brief
	Normal
	Ample
	Full
)

// At returns the document with the sections up to a detail, and quiet ones up
// to another, in place of all sections, also inside of Details; those that are
// empty then are left out.
func (d Document) At(detail, quiet Detail) Document {
	var out Document
	for _, b := range d {
		switch x := b.(type) {
		case Details:
			if x.Blocks = Document(x.Blocks).At(detail, quiet); len(x.Blocks) > 0 {
				out = append(out, x)
			}
		case Section:
			if x.Quiet && x.Detail <= quiet || !x.Quiet && x.Detail <= detail {
				out = append(out, Document(x.Blocks).At(detail, quiet)...)
			}
		default:
			out = append(out, b)
		}
	}
	return out
}

// Text is a run of spans. Spans are set side by side as they are: put the
// spaces in.
type Text []Span

// A Span is text in one style. A Link whose URL is not http or https shows its text only.
type Span struct {
	Text  string
	Style Style
	URL   string // of a Link
}

// A Style is how a Span looks.
type Style int

// The styles.
const (
	Plain Style = iota
	Strong
	Code
	Link
)

// T returns plain text.
func T(s string) Text { return Text{{Text: s}} }

// B returns strong text.
func B(s string) Text { return Text{{Text: s, Style: Strong}} }

// C returns a piece of code: an identifier, a name of an option, a file name.
func C(s string) Text { return Text{{Text: s, Style: Code}} }

// Ticked returns a sentence in which pairs of backticks enclose pieces of code.
// With an odd number of them, or nothing but white space in between, backticks
// are text like any other.
func Ticked(s string) Text {
	parts := strings.Split(s, "`")
	if len(parts)%2 == 0 {
		return T(s)
	}
	var out Text
	for i, part := range parts {
		switch {
		case i%2 == 0:
			out = append(out, T(part)...)
		case Clean(part) == "":
			out = append(out, T("`"+part+"`")...)
		default:
			out = append(out, C(part)...)
		}
	}
	return out
}

// A returns a link.
func A(text, url string) Text { return Text{{Text: text, Style: Link, URL: url}} }

// Join puts texts side by side.
func Join(texts ...Text) Text {
	var out Text
	for _, t := range texts {
		out = append(out, t...)
	}
	return out
}
