package decision

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/region"
)

const (
	maxSize  = 64 << 10 // of a document, in bytes
	maxCount = 1000     // Machines in a region: more than any limit of Fly.io
)

var (
	appName   = regexp.MustCompile(fleet.AppPattern)
	groupName = regexp.MustCompile(fleet.GroupPattern)
	digest    = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	number    = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})$`)
)

// Parse reads a decision strictly. name is how messages call the document. The
// error, an *Error, tells everything that is wrong, with the lines.
//
// Regions are looked up in the catalog: one that it does not know is wrong, and
// so is one that takes no new Machines, unless so many are assumed to run there.
// An empty catalog knows nothing better than that codes have three letters.
func Parse(name string, data []byte, catalog region.Catalog) (Decision, error) {
	r := &reader{name: name}
	p := parser{r, catalog, len(catalog.All()) > 0}
	root := r.document(data)
	if root == nil {
		return Decision{}, r.err()
	}
	d := Decision{Groups: map[string]Group{}}
	seen := map[string]bool{}
	for _, e := range r.entries(root, "", "a mapping with version, app and groups") {
		seen[e.key.Value] = !isNull(e.value)
		switch key := e.key.Value; key {
		case "version":
			d.Version = p.version(e.value)
		case "app":
			d.App = p.text(e.value, key, appName, "the name of an app: lower-case letters, digits and hyphens, at most 63")
		case "groups":
			p.groups(e.value, d.Groups)
		case "decided_at":
			d.DecidedAt = p.time(e.value)
		case "digest":
			d.Digest = p.text(e.value, key, digest, "sha256: and 64 digits from 0 to f")
		default:
			r.unknown(e.key, "", []string{"version", "app", "groups", "decided_at", "digest"})
		}
	}
	for _, key := range []string{"version", "app", "groups"} {
		if root.Kind == yaml.MappingNode && !seen[key] {
			r.fail(root, "", fmt.Errorf("%s is missing", key))
		}
	}
	if err := r.err(); err != nil {
		return Decision{}, err
	}
	return d, nil
}

// Line is the line of a decision file that says how many Machines of a group
// run in a region; else that of the group; else 0.
func Line(data []byte, group string, code region.Code) int {
	n, line := (&reader{}).document(data), 0
	for _, want := range []string{"groups", group, "placement", string(code)} {
		if n == nil || n.Kind != yaml.MappingNode {
			return line
		}
		at := -1
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == want {
				at = i
			}
		}
		if at < 0 {
			return line
		}
		line, n = n.Content[at].Line, n.Content[at+1]
	}
	return line
}

type parser struct {
	*reader
	catalog region.Catalog
	known   bool // the catalog is not empty
}

func (p parser) version(n *yaml.Node) int {
	if !isNull(n) && (n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || n.Value != strconv.Itoa(version)) {
		p.fail(n, "version", fmt.Errorf("want %d, the only version there is", version))
	}
	return version
}

// text reads a text that matches a pattern; "" when it is not said or wrong.
func (p parser) text(n *yaml.Node, path string, pattern *regexp.Regexp, shape string) string {
	text, ok := p.scalar(n, path)
	switch {
	case !ok || isNull(n):
		return ""
	case !pattern.MatchString(text):
		p.fail(n, path, fmt.Errorf("%s is not %s", quote(text), shape))
	}
	return text
}

// time reads a time of this century or a later one, to the second.
func (p parser) time(n *yaml.Node) time.Time {
	text, ok := p.scalar(n, "decided_at")
	if !ok || isNull(n) {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	at = at.UTC().Truncate(time.Second)
	if err != nil || at.Year() < 2000 || at.Year() > 9999 {
		p.fail(n, "decided_at", fmt.Errorf("%s is not a time such as 2026-11-23T15:00:00Z", quote(text)))
	}
	return at
}

func (p parser) groups(n *yaml.Node, into map[string]Group) {
	list := p.entries(n, "groups", "a mapping of process groups to their placement")
	if n.Kind == yaml.MappingNode && len(n.Content) == 0 {
		p.fail(n, "groups", errors.New("want at least one process group"))
	}
	for _, e := range list {
		name := e.key.Value
		if !groupName.MatchString(name) {
			p.fail(e.key, "groups", fmt.Errorf("%s is not the name of a process group: letters, digits, hyphens, dots and underscores, at most 63", quote(name)))
			continue
		}
		into[name] = p.group(e, "groups."+name)
	}
}

func (p parser) group(of entry, path string) Group {
	var g Group
	var wanted []entry
	var placement *yaml.Node
	for _, e := range p.entries(of.value, path, "a mapping with placement and assumes") {
		if isNull(e.value) {
			continue
		}
		switch key := e.key.Value; key {
		case "placement":
			placement = e.value
			g.Placement, wanted = p.counts(e.value, path+"."+key)
		case "assumes":
			g.Assumes, _ = p.counts(e.value, path+"."+key)
		default:
			p.unknown(e.key, path, []string{"placement", "assumes"})
		}
	}
	switch {
	case placement != nil && placement.Kind == yaml.MappingNode && len(g.Placement) == 0 && len(wanted) == len(placement.Content)/2:
		p.fail(placement, path+".placement", errors.New("no Machine is left: a process group keeps at least one"))
	case placement == nil && (isNull(of.value) || of.value.Kind == yaml.MappingNode):
		p.fail(of.key, path, errors.New("placement is missing"))
	}
	for _, e := range wanted {
		p.placeable(e.key, path+".placement", g)
	}
	return g
}

// counts reads a mapping of region codes to numbers of Machines, and returns
// the entries that are right, too. A count of 0 is as good as none.
func (p parser) counts(n *yaml.Node, path string) (map[region.Code]int, []entry) {
	counts := map[region.Code]int{}
	var right []entry
	for _, e := range p.entries(n, path, "a mapping of regions to numbers of Machines, such as {ams: 2}") {
		code := region.Code(e.key.Value)
		at := path
		if code.Valid() {
			at += "." + e.key.Value
		} else {
			p.fail(e.key, path, p.noCode(e.key.Value))
		}
		text, ok := p.scalar(e.value, at)
		if !ok {
			continue
		}
		k, err := strconv.Atoi(text)
		switch {
		case isNull(e.value):
			p.fail(e.value, at, fmt.Errorf("want a whole number from 0 to %d, not an empty value", maxCount))
		case e.value.ShortTag() == "!!str":
			p.fail(e.value, at, fmt.Errorf("want a whole number from 0 to %d, not the text %s", maxCount, quote(text)))
		case err != nil || !number.MatchString(text) || e.value.ShortTag() != "!!int" || k > maxCount:
			p.fail(e.value, at, fmt.Errorf("want a whole number from 0 to %d, not %s", maxCount, hint.Cut(text)))
		case code.Valid():
			right = append(right, e)
			if k > 0 {
				counts[code] = k
			}
		}
	}
	return counts, right
}

// noCode says what is wrong with a code that does not look like one.
func (p parser) noCode(text string) error {
	const longest = 40 // letters: more than any name has that a region is known by
	err := fmt.Errorf("%s is not a region: want its code, three lower-case letters", quote(text))
	if !p.known || len(text) > longest {
		return err
	}
	code, known := p.catalog.Parse(text)
	if known == nil {
		return fmt.Errorf("%s is not a region: write %s", quote(text), code)
	}
	return known
}

// placeable fails for a region where the decision can place no Machines.
func (p parser) placeable(key *yaml.Node, path string, g Group) {
	code := region.Code(key.Value)
	r, known := p.catalog.Lookup(code)
	switch {
	case !p.known || g.Placement[code] <= g.Assumes[code]: // what runs may stay
	case !known:
		_, err := p.catalog.Parse(key.Value)
		p.fail(key, path, err)
	case r.Status != region.Deployable:
		err := fmt.Errorf("%s (%s) takes no new Machines", code, r.Name)
		if standIn, ok := p.catalog.StandIn(code); ok {
			to, _ := p.catalog.Lookup(standIn)
			err = hint.Wrap(err, "use %s (%s), which stands in for %s", standIn, to.Name, code)
		}
		p.fail(key, path, err)
	}
}
