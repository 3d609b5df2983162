package ghsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/scanner"
)

// The part of the GraphQL language that queries need: operations with variables,
// fields with aliases and arguments, inline fragments and named ones. Variables
// come in with their values, so their types are read over.

// selection is a field or, with a type, an inline fragment.
type selection struct {
	name, alias string
	on          string // of a fragment: the type that it is for
	args        map[string]any
	inner       []selection
}

type queryParser struct {
	scan      scanner.Scanner
	token     string
	variables map[string]any
	fragments map[string]selection
	err       error
}

// parseQuery returns what the first operation of a document selects.
func parseQuery(text string, variables map[string]any) ([]selection, error) {
	p := &queryParser{variables: variables, fragments: map[string]selection{}}
	p.scan.Init(strings.NewReader(text))
	p.scan.Mode = scanner.ScanIdents | scanner.ScanInts | scanner.ScanFloats | scanner.ScanStrings
	p.scan.Error = func(_ *scanner.Scanner, message string) { p.fail(message) }
	var out []selection
	for p.next(); p.token != "" && p.err == nil; {
		switch p.token {
		case "fragment":
			p.next()
			f := selection{name: p.next(), inner: nil}
			p.expect("on")
			f.on = p.next()
			f.inner = p.selections()
			p.fragments[f.name] = f
		case "query":
			for p.token != "{" && p.token != "" {
				p.next()
			}
		case "{":
			out = p.selections()
		default:
			p.fail("unexpected " + p.token)
		}
	}
	if p.err == nil && out == nil {
		p.err = errors.New("no query")
	}
	p.spread(out, 0)
	return out, p.err
}

func (p *queryParser) fail(message string) {
	if p.err == nil {
		p.err = errors.New(message)
	}
}

// next goes on by a token and returns the one that it leaves.
func (p *queryParser) next() string {
	was := p.token
	p.token = ""
	if p.scan.Scan() != scanner.EOF {
		p.token = p.scan.TokenText()
	}
	if p.token == "#" { // a comment, up to the line's end
		for line := p.scan.Pos().Line; p.scan.Peek() != scanner.EOF && p.scan.Pos().Line == line; {
			p.scan.Next()
		}
		p.next()
	}
	if p.token == "," { // commas are white space
		p.next()
	}
	return was
}

// accept goes on if the token is the one that is asked for.
func (p *queryParser) accept(token string) bool {
	if p.token != token || p.err != nil {
		return false
	}
	p.next()
	return true
}

func (p *queryParser) expect(token string) {
	if !p.accept(token) {
		p.fail(fmt.Sprintf("expected %s, got %q", token, p.token))
	}
}

func (p *queryParser) selections() []selection {
	p.expect("{")
	out := []selection{}
	for p.err == nil && !p.accept("}") {
		if p.token == "" {
			p.fail("the query ends in the middle")
		}
		out = append(out, p.selection())
	}
	return out
}

func (p *queryParser) selection() selection {
	if p.accept(".") {
		p.expect(".")
		p.expect(".")
		if !p.accept("on") {
			return selection{on: "...", name: p.next()}
		}
		return selection{on: p.next(), inner: p.selections()}
	}
	f := selection{name: p.next()}
	f.alias = f.name
	if p.accept(":") {
		f.name = p.next()
	}
	if p.accept("(") {
		f.args = map[string]any{}
		for p.err == nil && !p.accept(")") {
			name := p.next()
			p.expect(":")
			f.args[name] = p.value()
		}
	}
	if p.token == "{" {
		f.inner = p.selections()
	}
	return f
}

func (p *queryParser) value() any {
	switch {
	case p.accept("$"):
		return p.variables[p.next()]
	case p.accept("["):
		out := []any{}
		for p.err == nil && !p.accept("]") {
			out = append(out, p.value())
		}
		return out
	}
	var v any
	token := p.next()
	if token == "" {
		p.fail("the query ends in the middle")
	}
	if json.Unmarshal([]byte(token), &v) != nil {
		return token // an enum
	}
	return v
}

// spread puts named fragments where they are asked for.
func (p *queryParser) spread(list []selection, depth int) {
	for i := range list {
		if list[i].on == "..." {
			f, ok := p.fragments[list[i].name]
			if !ok || depth > 20 {
				p.fail("no fragment " + list[i].name)
				return
			}
			list[i] = selection{on: f.on, inner: append([]selection{}, f.inner...)}
		}
		p.spread(list[i].inner, depth+1)
	}
}
