package decision

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/region"
)

const (
	commentBegin = "<!-- fly-placer:decision:v"
	commentEnd   = "-->"
)

// Embed writes the decision, with its digest, as a comment that Markdown does
// not show, on lines of its own. It fails for what Parse would refuse.
func Embed(d Decision) (string, error) {
	d.Digest = d.Sum()
	if _, err := Encode(d); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s%d\n%s%s\n", commentBegin, version, document(d, false), commentEnd), nil
}

// begin finds where an embedded decision begins: on a line of its own, and
// quoted by nobody.
var begin = regexp.MustCompile(`(?m)^[ \t]*` + commentBegin + `(\w*)[ \t]*$`)

// Embedded tells whether a body has a decision that Embed hid in it, right or wrong.
func Embedded(body string) bool { return begin.MatchString(strings.ReplaceAll(body, "\r\n", "\n")) }

// Extract reads the decisions that Embed hid in a body, in their order there.
// Lines may end as on Windows. It fails when there are several for one app, and
// when one is of another version, does not end, or was edited: its digest must be
// there and right.
func Extract(body string) ([]Decision, error) {
	var found []Decision
	apps := map[string]bool{}
	body = strings.ReplaceAll(body, "\r\n", "\n")
	end := 0 // of the document before
	for _, at := range begin.FindAllStringSubmatchIndex(body, -1) {
		if at[0] < end {
			continue
		}
		d, size, err := extract(body[at[1]:], body[at[2]:at[3]])
		if err == nil && apps[d.App] {
			err = fmt.Errorf("there are several for %s", d.App)
		}
		if err != nil {
			return nil, hint.Wrap(fmt.Errorf("read the decision in the plan comment: %w", err),
				"let the plan run again, which writes the comment anew")
		}
		apps[d.App] = true
		found, end = append(found, d), at[1]+size
	}
	return found, nil
}

// extract reads one document, which is written as v, at the beginning of a text,
// and returns how long it is.
func extract(text, v string) (d Decision, size int, err error) {
	if v != fmt.Sprint(version) {
		return d, 0, fmt.Errorf("it is of version %q, and only %d is known", hint.Cut(v), version)
	}
	text, _, ends := strings.Cut(text, commentEnd)
	if !ends {
		return d, 0, errors.New("it does not end")
	}
	d, err = Parse("decision", []byte(strings.TrimPrefix(text, "\n")), region.Catalog{})
	if err == nil && d.Digest == "" {
		err = errors.New("its digest is missing")
	}
	if err == nil {
		err = d.Verify()
	}
	return d, len(text), err
}
