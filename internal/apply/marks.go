package apply

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/region"
)

// The marks, as metadata of Machines. They are all that a run leaves for the
// next one.
const (
	prefix = "fly_placer_"
	// keyDecision is on a Machine that was created for the decision with that
	// digest, until all is done.
	keyDecision = prefix + "decision"
	// keyStage is set before such a Machine is first uncordoned: without it the
	// Machine surely never got a request. It is deleted after keyDecision.
	keyStage = prefix + "stage"
	staged   = "uncordon"
	// keyRetire is on a Machine that is to go by that decision. Before it was
	// set the Machine served: others are pinned.
	keyRetire = prefix + "retire"
	// keyApplied stays on a created Machine: when its decision was applied.
	keyApplied = prefix + "applied_at"
)

func (m Machine) mark(key string) string {
	if m.Config == nil {
		return m.Incomplete[key]
	}
	return m.Config.Metadata[key]
}

func (m Machine) marked() bool {
	return m.mark(keyDecision) != "" || m.mark(keyStage) != "" || m.mark(keyRetire) != ""
}

// pending tells whether m was created by a run that never uncordoned it, as far
// as its marks say.
func (m Machine) pending() bool { return m.mark(keyDecision) != "" && m.mark(keyStage) == "" }

// gone tells whether m is destroyed, or about to be.
func (m Machine) gone() bool {
	return m.State == "destroyed" || m.State == "destroying" || m.State == "launch_failed"
}

func (m Machine) rests() bool { return m.State == "stopped" || m.State == "suspended" }

// A view sorts a group's Machines by what an unfinished run left on them.
type view struct {
	// kept are neither created nor to go, as far as this decision knows.
	kept []Machine
	// created were made for this decision, retiring are to go by it.
	created, retiring []Machine
	// strays were made for another decision and never got requests.
	strays []Machine
}

func viewOf(ms []Machine, digest string) view {
	var v view
	for _, m := range ms {
		switch {
		case m.mark(keyRetire) == digest:
			v.retiring = append(v.retiring, m)
		case m.mark(keyDecision) == digest:
			v.created = append(v.created, m)
		case m.mark(keyDecision) != "" && (m.pending() || m.Cordoned):
			v.strays = append(v.strays, m)
		default:
			v.kept = append(v.kept, m)
		}
	}
	return v
}

// old are the Machines that were there before.
func (v view) old() []Machine { return slices.Concat(v.kept, v.retiring) }

func (v view) begun() bool { return len(v.created)+len(v.retiring) > 0 }

// crossed tells whether an earlier run of this decision may have cordoned some
// of the old Machines. It surely had not while one that it created was pending.
func (v view) crossed() bool {
	return v.begun() && !slices.ContainsFunc(v.created, Machine.pending)
}

func countOf(ms []Machine) map[region.Code]int {
	n := map[region.Code]int{}
	for _, m := range ms {
		n[m.Region]++
	}
	return n
}

func ids(ms []Machine) []string {
	out := make([]string, len(ms))
	for i, m := range ms {
		out[i] = m.ID
	}
	return out
}

func byRegion(ms []Machine) []Machine {
	slices.SortFunc(ms, func(a, b Machine) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.ID, b.ID))
	})
	return ms
}

// groupOf returns the process group that Machines make up, as fleet sees it.
func groupOf(about fleet.App, ms []Machine, name string, now time.Time) fleet.Group {
	about.Machines = make([]fleet.Machine, len(ms))
	for i, m := range ms {
		about.Machines[i] = m.Machine
	}
	for _, g := range fleet.Groups(about, now) {
		if g.Name == name {
			return g
		}
	}
	return fleet.Group{Name: name}
}

// members returns the Machines that a group counts.
func members(g fleet.Group, ms []Machine) []Machine {
	var out []Machine
	for _, m := range ms {
		if slices.ContainsFunc(g.Machines, func(f fleet.Machine) bool { return f.ID == m.ID }) {
			out = append(out, m)
		}
	}
	return byRegion(out)
}

// unleased takes the leases out, which are ours.
func unleased(ms []Machine) []Machine {
	out := slices.Clone(ms)
	for i := range out {
		out[i].Lease = nil
	}
	return out
}

// asServing returns Machines as they will be when all goes well, so that pins
// do not stand against work that is under way.
func asServing(ms []Machine) []Machine {
	out := unleased(ms)
	for i := range out {
		out[i].State, out[i].Cordoned, out[i].Checks, out[i].HostStatus = "started", false, nil, "ok"
	}
	return out
}

// releases lists the releases that Machines run.
func releases(ms []Machine) []string {
	var out []string
	for _, m := range ms {
		if v := m.mark("fly_release_version"); v != "" {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// passing tells whether m's checks all pass, if its configuration has some.
func (m Machine) passing(checked bool) bool {
	failing := slices.ContainsFunc(m.Checks, func(c fleet.Check) bool { return c.Status != "passing" })
	return !failing && (!checked || len(m.Checks) > 0)
}

// failingChecks names what does not pass.
func (m Machine) failingChecks() string {
	var out []string
	for _, c := range m.Checks {
		if c.Status != "passing" {
			out = append(out, c.Name+" "+c.Status)
		}
	}
	return strings.Join(out, ", ")
}
