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

// Extract reads the decision that Embed hid in a body; it is false when there
// is none. Lines may end as on Windows. It fails when there are several, when
// it is of another version, does not end, or was edited: its digest must be
// there and right.
func Extract(body string) (Decision, bool, error) {
	fail := func(format string, args ...any) (Decision, bool, error) {
		return Decision{}, false, hint.Wrap(fmt.Errorf("read the decision in the plan comment: "+format, args...),
			"let the plan run again, which writes the comment anew")
	}
	body = strings.ReplaceAll(body, "\r\n", "\n")
	found := begin.FindAllStringSubmatchIndex(body, 2)
	switch {
	case len(found) == 0:
		return Decision{}, false, nil
	case len(found) > 1:
		return fail("there are several")
	}
	if v := body[found[0][2]:found[0][3]]; v != fmt.Sprint(version) {
		return fail("it is of version %q, and only %d is known", hint.Cut(v), version)
	}
	text, _, ends := strings.Cut(body[found[0][1]:], commentEnd)
	if !ends {
		return fail("it does not end")
	}
	d, err := Parse("decision", []byte(strings.TrimPrefix(text, "\n")), region.Catalog{})
	if err == nil && d.Digest == "" {
		err = errors.New("its digest is missing")
	}
	if err == nil {
		err = d.Verify()
	}
	if err != nil {
		return fail("%w", err)
	}
	return d, true, nil
}
