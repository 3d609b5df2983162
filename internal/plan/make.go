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
	Now     time.Time
}

// Make computes the plan of one app. It fails, with the next step as a hint,
// for an app that cannot be placed by its edge traffic at all.
//
//	policy + Machines + history → demand → problem → optimum → changes
func Make(in Input) (Plan, error) {
	groups, err := groupsOf(in)
	if err != nil {
		return Plan{}, fmt.Errorf("place app %s: %w", in.App.Name, err)
	}
	h := in.History
	p := Plan{
		App: in.App.Name, Generated: in.Now.UTC(),
		From: h.Start, To: h.Start.Add(time.Duration(h.Hours) * time.Hour),
		Findings: appFindings(in),
	}
	shares := sharesOf(groups, h.ServedBy)
	var errs []error
	for i, g := range groups {
		planned, err := planGroup(in, g, shares[i])
		if err != nil {
			errs = append(errs, fmt.Errorf("place app %s, process group %s: %w", in.App.Name, g.Name, err))
			continue
		}
		p.Groups = append(p.Groups, planned)
	}
	if len(errs) > 0 {
		return Plan{}, errors.Join(errs...)
	}
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
func groupsOf(in Input) ([]fleet.Group, error) {
	a := in.App
	switch {
	case a.Postgres():
		return nil, hint.Wrap(errors.New("it is a Postgres cluster, whose Machines are not interchangeable"),
			"leave it out; move a database with its own tools")
	case len(a.Machines) == 0:
		return nil, hint.Wrap(errors.New("it has no Machines"), "deploy it first: fly deploy")
	case a.Private():
		return nil, hint.Wrap(errors.New("it has no public IP address, so no requests enter at Fly's edge"),
			"place an app that serves the public, or give it an address: fly ips allocate")
	}
	all := fleet.Groups(a, in.Now)
	names := make([]string, len(all))
	for i, g := range all {
		names[i] = g.Name
	}
	if len(in.Policy.ProcessGroups) == 0 {
		public := slices.DeleteFunc(slices.Clone(all), func(g fleet.Group) bool { return !g.HTTP || len(g.Machines) == 0 })
		if len(public) == 0 {
			return nil, hint.Wrap(fmt.Errorf("no process group has a public HTTP service (groups: %s)", cmp.Or(strings.Join(names, ", "), "none managed by Fly Launch")),
				"only HTTP traffic is counted by edge region; add [http_service] to fly.toml, or leave the app out")
		}
		return public, nil
	}
	var picked []fleet.Group
	var errs []error
	for _, want := range in.Policy.ProcessGroups {
		i := slices.Index(names, want)
		switch {
		case i < 0:
			errs = append(errs, hint.Wrap(fmt.Errorf("it has no process group %q", want), "its groups are: %s", strings.Join(names, ", ")))
		case !all[i].HTTP:
			errs = append(errs, hint.Wrap(fmt.Errorf("process group %q has no HTTP service", want), "only HTTP traffic is counted by edge region; drop it from process-group"))
		default:
			picked = append(picked, all[i])
		}
	}
	slices.SortFunc(picked, func(x, y fleet.Group) int { return cmp.Compare(x.Name, y.Name) })
	return picked, errors.Join(errs...)
}

// sharesOf splits the app's traffic among its groups: the edge metrics know
// only the app, the Machines' own responses know who answered. Without any
// such figure every group counts the same.
func sharesOf(groups []fleet.Group, servedBy map[string]float64) []float64 {
	served := make([]float64, len(groups))
	total := 0.0
	for i, g := range groups {
		for _, m := range g.Machines {
			served[i] += servedBy[m.ID]
		}
		total += served[i]
	}
	for i := range served {
		if total > 0 {
			served[i] /= total
		} else {
			served[i] = 1 / float64(len(groups))
		}
	}
	return served
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
