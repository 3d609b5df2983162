package region

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/hint"
)

// Parse reads the code of a region of the catalog, whatever its status; case
// and surrounding space are ignored. The error for anything else names the
// region that was most likely meant: by a similar code, by the name of its
// city or country, or by another airport of the city.
func (c Catalog) Parse(s string) (Code, error) {
	name := strings.ToLower(strings.TrimSpace(s))
	if _, known := c.Lookup(Code(name)); known {
		return Code(name), nil
	}
	if name == "" {
		return "", c.hinted(errors.New("empty region code"))
	}
	meant := c.meant(name)
	if len(meant) == 0 {
		return "", c.hinted(fmt.Errorf("unknown region %q", s))
	}
	return "", fmt.Errorf("unknown region %q: did you mean %s?", s, strings.Join(meant, " or "))
}

// Expand reads region codes and names of areas; an area stands for its
// deployable regions. It returns the codes sorted, each once, or every
// problem, joined. An area without a deployable region is a problem.
func (c Catalog) Expand(names []string) ([]Code, error) {
	var codes []Code
	var problems []error
	for _, name := range names {
		area, err := ParseArea(name)
		if err != nil {
			code, err := c.Parse(name)
			if err != nil {
				problems = append(problems, err)
				continue
			}
			codes = append(codes, code)
			continue
		}
		before := len(codes)
		for _, r := range c.Deployable() {
			if r.Area == area {
				codes = append(codes, r.Code)
			}
		}
		if len(codes) == before {
			problems = append(problems, fmt.Errorf("area %q has no deployable region", area))
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	slices.Sort(codes)
	return slices.Compact(codes), nil
}

func (c Catalog) hinted(err error) error {
	rows := c.Deployable()
	codes := make([]string, len(rows))
	for i, r := range rows {
		codes[i] = string(r.Code)
	}
	return hint.Wrap(err, "use one of %s", strings.Join(codes, ", "))
}

// meant lists the regions, at most two, that name most likely stands for, as
// "iad (Ashburn, Virginia)". A name that fits exactly comes before a similar
// one, a deployable region before others; then the more similar one, then the
// one that begins alike, then the lower code.
func (c Catalog) meant(name string) []string {
	type match struct {
		Region
		inexact, prefix int
	}
	var found []match
	for _, r := range c.rows {
		best := -1
		for _, word := range c.words(r) {
			if d, ok := hint.Similar(name, word); ok && (best < 0 || d < best) {
				best = d
			}
		}
		if best >= 0 {
			found = append(found, match{r, best, commonPrefix(name, string(r.Code))})
		}
	}
	slices.SortFunc(found, func(a, b match) int {
		return cmp.Or(
			cmp.Compare(min(a.inexact, 1), min(b.inexact, 1)),
			cmp.Compare(min(a.Status, Retired), min(b.Status, Retired)),
			cmp.Compare(a.inexact, b.inexact),
			cmp.Compare(b.prefix, a.prefix),
			cmp.Compare(a.Code, b.Code))
	})
	var words []string
	for _, m := range found {
		same := m.inexact == 0 && found[0].inexact == 0 && (m.Status == Deployable) == (found[0].Status == Deployable)
		if len(words) == 0 || same && len(words) < 2 {
			words = append(words, fmt.Sprintf("%s (%s)", m.Code, m.Name))
		}
	}
	return words
}

// words lists, in lower case, what people may call r: its code, the parts of
// its name and the aliases of its code.
func (c Catalog) words(r Region) []string {
	words := append([]string{string(r.Code), strings.ToLower(r.Name)}, strings.Split(strings.ToLower(r.Name), ", ")...)
	for alias, code := range alsoKnownAs {
		if code == r.Code {
			words = append(words, alias)
		}
	}
	return words
}

func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
