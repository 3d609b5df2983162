package decision

import (
	"maps"
	"slices"

	"github.com/fly-placer/fly-placer/internal/region"
)

// A Verdict is how a decision stands to what runs.
type Verdict int

// The verdicts.
const (
	// Moved: what runs is neither what is decided nor what was assumed.
	Moved Verdict = iota
	// Done: what is decided runs.
	Done
	// Apply: what was assumed runs, in some group at least, and in the others
	// what is decided.
	Apply
)

// A Match compares a decision with what runs.
type Match struct {
	Verdict Verdict
	// Differences are, when the verdict is Moved, the regions where what runs
	// is not what was assumed: by group, then region.
	Differences []Difference
}

// A Difference is the counts of Machines in one region.
type Difference struct {
	Group                 string
	Region                region.Code
	Assumed, Live, Wanted int
}

// Match compares the decision with the live counts of each group's managed
// Machines. previous is the version of the file that this one replaces; nil
// when there is none. In this order, for each group: what is decided runs; what
// it assumes runs, or what previous decided; neither says anything of the
// group, so that anything is right. Marks that an unfinished run left on
// Machines are not known here: who reads them asks for them between the first
// and the second.
func (d Decision) Match(live map[string]map[region.Code]int, previous *Decision) Match {
	m := Match{Verdict: Done}
	var moved []Difference
	for _, name := range slices.Sorted(maps.Keys(d.Groups)) {
		g, runs := d.Groups[name], counted(live[name])
		assumed, said := g.Assumes, g.Assumes != nil
		var before map[region.Code]int
		replaced := false
		if previous != nil {
			var old Group
			if old, replaced = previous.Groups[name]; replaced {
				before = old.Placement
			}
		}
		if !said {
			assumed = before
		}
		switch {
		case same(runs, g.Placement):
			continue
		case said && same(runs, g.Assumes), replaced && same(runs, before), !said && !replaced:
			m.Verdict = Apply
		default:
			moved = append(moved, differences(name, assumed, runs, g.Placement)...)
		}
	}
	if len(moved) > 0 {
		return Match{Verdict: Moved, Differences: moved}
	}
	return m
}

func same(a, b map[region.Code]int) bool { return maps.Equal(counted(a), counted(b)) }

func differences(group string, assumed, live, wanted map[region.Code]int) []Difference {
	all := maps.Clone(live)
	maps.Copy(all, assumed)
	var out []Difference
	for _, code := range slices.Sorted(maps.Keys(all)) {
		if assumed[code] != live[code] {
			out = append(out, Difference{group, code, assumed[code], live[code], wanted[code]})
		}
	}
	return out
}
