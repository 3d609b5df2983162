package plan

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

// An Input is everything that decides a plan. The same Input gives the same Plan.
type Input struct {
	App     fleet.App
	Policy  Policy
	History demand.History
	// Catalog knows the regions, the Machines API's own list included.
	Catalog region.Catalog
	Latency *latency.Table
	Prices  price.Table
	// Full are the regions that have no room for more Machines of a process
	// group, by its name.
	Full map[string][]region.Code
	// Unfinished are the IDs of Machines with marks of an apply that did not end.
	// What they are by then is neither what was decided nor what is to be.
	Unfinished []string
	// Decided are placements to judge, and InForce those that are merged, both
	// by process group. Counts are of managed Machines, those that serve nothing
	// included. Neither changes what is planned.
	Decided map[string]map[region.Code]int
	InForce map[string]InForce
	Now     time.Time
}

// Make computes the plan of one app. It fails, with the next step as a hint,
// for an app that cannot be placed by its edge traffic at all.
//
//	policy + Machines + history → demand → problem → optimum → changes
func Make(in Input) (Plan, error) {
	groups, public, err := groupsOf(in)
	if err != nil {
		return Plan{}, err
	}
	h := in.History
	p := Plan{
		App: in.App.Name, Generated: in.Now.UTC(),
		From: h.Start, To: h.Start.Add(time.Duration(h.Hours) * time.Hour),
		Findings: appFindings(in),
	}
	shares := sharesOf(public, h.ServedBy, h.Start)
	var errs []error
	for _, g := range groups {
		planned, err := planGroup(in, g, shares[g.Name], len(public) > 1)
		if err != nil {
			errs = append(errs, fmt.Errorf("place app %s, process group %s: %w", in.App.Name, g.Name, err))
			continue
		}
		planned.drifted(in)
		if err := planned.judge(in, g); err != nil {
			errs = append(errs, fmt.Errorf("judge the decision for app %s, process group %s: %w", in.App.Name, g.Name, err))
			continue
		}
		p.Groups = append(p.Groups, planned)
	}
	if len(errs) > 0 {
		return Plan{}, errors.Join(errs...)
	}
	p.judgeOthers(in)
	p.driftOthers(in)
	p.Outcome = outcomeOf(p.Groups)
	return p, nil
}

// outcomeOf is the one word for several groups: what needs somebody first.
func outcomeOf(groups []Group) Outcome {
	for _, o := range []Outcome{Infeasible, Planned, Held} {
		if slices.ContainsFunc(groups, func(g Group) bool { return g.Status == o }) {
			return o
		}
	}
	return NoChanges
}

// groupsOf picks the process groups to place, or says why there are none.
// public are all that the edge's traffic goes to.
func groupsOf(in Input) (picked, public []fleet.Group, err error) {
	a := in.App
	refuse := func(next, format string, args ...any) error {
		return hint.Wrap(fmt.Errorf("place app %s: "+format, append([]any{a.Name}, args...)...), "%s", next)
	}
	switch {
	case a.Postgres():
		return nil, nil, refuse("leave it out; move a database with its own tools", "it is a Postgres cluster, whose Machines are not interchangeable")
	case len(a.Machines) == 0:
		return nil, nil, refuse("deploy it first: `fly deploy`", "it has no Machines")
	case a.Private():
		return nil, nil, refuse("place an app that serves the public, or give it an address: `fly ips allocate`", "it has no public IP address, so no requests enter at Fly's edge")
	}
	all := fleet.Groups(a, in.Now)
	names := make([]string, len(all))
	for i, g := range all {
		names[i] = g.Name
		if g.HTTP && len(g.Machines) > 0 {
			public = append(public, g)
		}
	}
	known := cmp.Or(strings.Join(names, ", "), "none that Fly Launch manages")
	if len(in.Policy.ProcessGroups) == 0 {
		if len(public) == 0 {
			return nil, nil, refuse("only HTTP traffic is counted by edge region; add [http_service] to fly.toml, or leave the app out",
				"no process group has a public HTTP service (groups: %s)", known)
		}
		return public, public, nil
	}
	var errs []error
	for _, want := range in.Policy.ProcessGroups {
		i := slices.IndexFunc(public, func(g fleet.Group) bool { return g.Name == want })
		switch {
		case i >= 0:
			picked = append(picked, public[i])
		case slices.Contains(names, want):
			errs = append(errs, refuse("only HTTP traffic is counted by edge region; drop it from process-group", "process group %q has no HTTP service", want))
		default:
			errs = append(errs, refuse("its groups are: "+known, "it has no process group %q", want))
		}
	}
	slices.SortFunc(picked, func(x, y fleet.Group) int { return cmp.Compare(x.Name, y.Name) })
	return picked, public, errors.Join(errs...)
}

// sharesOf splits the app's traffic among its groups: the edge metrics know
// only the app, the Machines' own responses know who answered. Where a group
// has no such figure, or Machines that were made since, as by a blue-green
// deploy, every group counts the same.
func sharesOf(groups []fleet.Group, servedBy map[string]float64, since time.Time) map[string]float64 {
	shares := map[string]float64{}
	total, every := 0.0, true
	for _, g := range groups {
		served := 0.0
		for _, m := range g.Machines {
			served += servedBy[m.ID]
			every = every && !m.Created.After(since)
		}
		shares[g.Name] = served
		total += served
		every = every && served > 0
	}
	for name := range shares {
		if every {
			shares[name] /= total
		} else {
			shares[name] = 1 / float64(len(groups))
		}
	}
	return shares
}

// appFindings tells what could not be read, and what the metrics' server said.
func appFindings(in Input) []Finding {
	var out []Finding
	for _, what := range slices.Sorted(maps.Keys(in.App.Unread)) {
		out = append(out, Finding{
			Level: Warning,
			Text:  fmt.Sprintf("could not read the app's %s: %s", what, in.App.Unread[what]),
			Hint:  unreadHint[what],
		})
	}
	for _, w := range in.History.Warnings {
		out = append(out, Finding{Level: Notice, Text: "the metrics server warned: " + w})
	}
	return out
}

var unreadHint = map[string]string{
	"IP addresses": "the plan takes the app for a public one",
	"volumes":      "Machines are pinned by the mounts of their configuration alone",
	"egress IPs":   "if the app has static egress IPs, open only regions that have one, with allow-regions",
}
