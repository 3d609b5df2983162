package decision

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/fly-placer/fly-placer/internal/hint"
)

// maxProblems bounds what is reported: a file of another kind, taken for a
// decision, is wrong in every line.
const maxProblems = 100

// An Error holds everything that is wrong with a document, up to the first 100
// problems, by line. Its text has one line for each.
type Error struct {
	Problems []Problem
}

// Error returns one line for each problem.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems, so that hint.Of finds their next steps.
func (e *Error) Unwrap() []error {
	errs := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		errs[i] = p
	}
	return errs
}

// A Problem is one thing that is wrong with a document.
type Problem struct {
	File string // as the caller of Parse named it
	Line int    // 0 when no line is concerned
	Path string // "groups.web.placement"; "" for the document itself
	Text string // what is wrong and what is allowed

	cause error
}

// Error returns "FILE line LINE, PATH: TEXT".
func (p Problem) Error() string {
	where := p.File
	if p.Line > 0 {
		where += fmt.Sprintf(" line %d", p.Line)
	}
	if p.Path != "" {
		where += ", " + p.Path
	}
	return where + ": " + p.Text
}

// Unwrap returns what caused the problem, which may carry a next step.
func (p Problem) Unwrap() error { return p.cause }

// A reader collects what is wrong while it reads.
type reader struct {
	name     string
	problems []Problem
}

func (r *reader) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return &Error{r.problems}
}

func (r *reader) fail(n *yaml.Node, path string, err error) { r.failAt(n.Line, path, err) }

func (r *reader) failAt(line int, path string, err error) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, Problem{r.name, line, path, strings.ReplaceAll(err.Error(), "\n", "; "), err})
	}
}

// document returns the root of the only document; nil, and a problem, when
// there is none.
func (r *reader) document(data []byte) *yaml.Node {
	if len(data) > maxSize {
		r.failAt(0, "", fmt.Errorf("the document has %d bytes: at most %d are read", len(data), maxSize))
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, next yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
	case err != nil:
		r.syntax(err)
		return nil
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		r.failAt(0, "", errors.New("the document is empty: want version, app and groups"))
		return nil
	}
	switch err := decoder.Decode(&next); {
	case err == nil:
		r.fail(&next, "", errors.New("a second document: only one is read"))
	case !errors.Is(err, io.EOF):
		r.syntax(err)
	}
	return doc.Content[0]
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))$`)

// syntax reports an error of the YAML parser.
func (r *reader) syntax(err error) {
	line, text := 0, err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1]) // no line: 0
		text = m[2]
	}
	r.failAt(line, "", fmt.Errorf("not YAML: %s", text))
}

// An entry is a key of a mapping with its value.
type entry struct{ key, value *yaml.Node }

// entries lists a mapping's entries, without those that are there twice. An
// empty value has none.
func (r *reader) entries(n *yaml.Node, path, want string) []entry {
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.fail(n, path, fmt.Errorf("want %s, not %s", want, kindOf(n)))
		return nil
	}
	var list []entry
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		line, twice := first[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode:
			r.fail(key, path, fmt.Errorf("a key is %s: want a name", kindOf(key)))
		case twice:
			r.fail(key, path, fmt.Errorf("%s is there twice, first on line %d", quote(key.Value), line))
		default:
			first[key.Value] = key.Line
			list = append(list, entry{key, value})
		}
	}
	return list
}

func (r *reader) unknown(key *yaml.Node, path string, known []string) {
	text := fmt.Sprintf("unknown key %s: want %s or %s", quote(key.Value), strings.Join(known[:len(known)-1], ", "), known[len(known)-1])
	if near, ok := hint.Nearest(key.Value, known); ok {
		text += "; did you mean " + near + "?"
	}
	r.fail(key, path, errors.New(text))
}

// scalar returns the text of a plain value, "" for an empty one.
func (r *reader) scalar(n *yaml.Node, path string) (text string, ok bool) {
	if n.Kind != yaml.ScalarNode {
		r.fail(n, path, fmt.Errorf("want one value, not %s", kindOf(n)))
		return "", false
	}
	switch n.ShortTag() {
	case "!!null":
		return "", true
	case "!!str", "!!int", "!!float", "!!bool", "!!timestamp":
		return n.Value, true
	}
	r.fail(n, path, fmt.Errorf("want a plain value, not one tagged %s", quote(n.Tag)))
	return "", false
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias (write the value out)"
	default:
		return "a single value"
	}
}

// quote writes a foreign text on one line, cut when it is long.
func quote(text string) string { return fmt.Sprintf("%q", hint.Cut(text)) }
