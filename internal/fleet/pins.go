package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// pinOf says why a Machine must stay, if it must (docs/design.md §8.3), and
// whether it counts towards the group.
func pinOf(a App, m Machine, protected map[string]bool, now time.Time) (pin Pin, counted bool) {
	because := func(r PinReason, format string, args ...any) Pin {
		return Pin{Machine: m.ID, Region: m.Region, Reason: r, Detail: fmt.Sprintf(format, args...)}
	}
	c := m.Config
	if c == nil || m.HostStatus != "ok" {
		return because(PinHost, "its host is %s: left alone", cmp.Or(m.HostStatus, "unknown")), true
	}
	switch {
	case len(c.Standbys) > 0 || c.StandbyFor != "":
		return because(PinStandby, "stands by for another Machine: not counted"), false
	case c.Schedule != "":
		return because(PinScheduled, "runs %s: not counted", c.Schedule), false
	case c.AutoDestroy:
		return because(PinAutoDestroy, "is destroyed when it stops: not counted"), false
	case len(c.Mounts) > 0 || a.VolumeOn[m.ID] != "":
		name := cmp.Or(a.VolumeOn[m.ID], strings.Join(c.Mounts, ", "))
		return because(PinVolume, "has volume %s: a Machine elsewhere would start with an empty one", name), true
	case protected[m.ID]:
		return because(PinStandby, "a standby stands by for it"), true
	case a.EgressMachines[m.ID]:
		return because(PinEgressIP, "has a static egress IP of its own, which would be lost with it"), true
	case c.GPU:
		return because(PinGPU, "has a GPU"), true
	case c.HostDedicationID != "":
		return because(PinDedicatedHost, "runs on a dedicated host"), true
	case m.Lease != nil && m.Lease.Expires.After(now):
		return because(PinLeased, "is leased by %s until %s", cmp.Or(m.Lease.Owner, "somebody"), m.Lease.Expires.UTC().Format(time.RFC3339)), true
	case m.Cordoned:
		return because(PinCordoned, "is cordoned: somebody drained it"), true
	case !m.serving():
		return because(PinIdle, "is %s and serves nothing: left as it is", m.State), true
	}
	return Pin{}, true
}

// pinPlaces adds the pins that concern a place rather than one Machine.
func (g *Group) pinPlaces() {
	if here := g.Serving()[g.Primary]; here > 0 {
		keep := min(here, max(1, g.MinRunning))
		detail := "the primary region keeps its last Machine"
		if keep > 1 {
			detail = fmt.Sprintf("the primary region keeps %d Machines (min_machines_running)", keep)
		}
		g.Pins = append(g.Pins, Pin{Region: g.Primary, Reason: PinPrimary, Detail: detail})
	}
	slices.SortFunc(g.Pins, func(x, y Pin) int {
		return cmp.Or(cmp.Compare(x.Region, y.Region), cmp.Compare(x.Machine, y.Machine), cmp.Compare(x.Reason, y.Reason))
	})
}

// deployOf says what about any of the app's Machines, counted or not, looks
// like a running deploy: flyctl takes no lock on an app, so leases and its
// release command are all there is.
func deployOf(a App, now time.Time) string {
	machines := slices.Clone(a.Machines)
	slices.SortFunc(machines, func(x, y Machine) int { return cmp.Compare(x.ID, y.ID) })
	for _, m := range machines {
		switch {
		case m.Lease != nil && m.Lease.Expires.After(now):
			return fmt.Sprintf("Machine %s is leased by %s until %s", m.ID, cmp.Or(m.Lease.Owner, "somebody"), m.Lease.Expires.UTC().Format(time.RFC3339))
		case m.processGroup() == releaseCommand && (m.State == "started" || transient(m.State, false)):
			return fmt.Sprintf("Machine %s runs the release command", m.ID)
		}
	}
	return ""
}

// deployInProgress says what about the group's own Machines looks like a
// running deploy. Machines of several releases alone are none: --regions
// leaves them so.
func deployInProgress(g Group, now time.Time) string {
	versions, tags := map[int]bool{}, map[string]bool{}
	var last time.Time
	for _, m := range g.Machines {
		if transient(m.State, g.Autostop) {
			return fmt.Sprintf("Machine %s is %s", m.ID, m.State)
		}
		if m.Config == nil {
			continue
		}
		versions[m.release()] = true
		tags[m.metadata(keyBlueGreen)] = true
		if m.Updated.After(last) {
			last = m.Updated
		}
		if m.metadata(keyCanary) != "" {
			return fmt.Sprintf("Machine %s is a canary", m.ID)
		}
	}
	switch {
	case len(tags) > 1:
		return "Machines of two blue-green deployments run side by side"
	case len(versions) > 1 && now.Sub(last) < freshDeploy:
		return fmt.Sprintf("Machines of %d releases run, the last updated %s ago", len(versions), now.Sub(last).Round(time.Second))
	}
	return ""
}

// transient tells whether a state is passing. In autostop groups fly-proxy
// starts and stops Machines all day: that is no deploy.
func transient(state string, autostop bool) bool {
	switch state {
	case "creating", "updating", "replacing", "restarting":
		return true
	case "starting", "stopping", "suspending":
		return !autostop
	}
	return false
}
