package plan

import (
	"slices"

	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/region"
)

// MetricHolds returns the reasons in an app's metrics why a plan would change
// nothing. Of the input it reads the History and Now.
func MetricHolds(in Input) []Hold { return metricHolds(in) }

// An Outlook is what would keep a plan of an app from deciding anything, MetricHolds
// apart, without the plan.
type Outlook struct {
	// Groups are those that would be placed, by name.
	Groups []GroupOutlook
	// Unmapped are the codes of edge regions that nobody knows, and Mapped counts
	// the responses at those that are known.
	Unmapped []region.Code
	Mapped   float64
}

// A GroupOutlook is the part of an Outlook about one process group.
type GroupOutlook struct {
	fleet.Group
	// Holds are the reasons in its Machines, Thin those in how little traffic it has.
	Holds, Thin []Hold
	// Unpriced says why nobody can tell what its Machines cost; such a plan fails.
	Unpriced error
}

// Look returns the outlook of an app. It fails as Make does for an app that
// cannot be placed by its edge traffic at all. Without a History, that is one of
// no hours, it says nothing about the metrics.
func Look(in Input) (Outlook, error) {
	groups, public, err := groupsOf(in)
	if err != nil {
		return Outlook{}, err
	}
	var out Outlook
	measured := in.History.Hours > 0
	known := func(c region.Code) bool {
		r, ok := in.Catalog.Lookup(c)
		return ok && placed(r)
	}
	if measured {
		all := demand.Of(in.History, 1, known)
		out.Mapped = all.Mapped
		for code := range all.Unmapped {
			out.Unmapped = append(out.Unmapped, code)
		}
		slices.Sort(out.Unmapped)
	}
	shares := sharesOf(public, in.History.ServedBy, in.History.Start)
	for _, g := range groups {
		o := GroupOutlook{Group: g, Holds: groupHolds(in, g)}
		if measured {
			o.Thin = requestHold(in, demand.Of(in.History, shares[g.Name], known))
		}
		_, o.Unpriced = compute(in, g, g.Current())
		out.Groups = append(out.Groups, o)
	}
	return out, nil
}
