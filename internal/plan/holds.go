package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/region"
)

const (
	maxGaps  = 0.10      // of the window's hours
	maxStale = time.Hour // age of the newest sample
	// minDays is the share of the window's days, weighted by requests, on which
	// a change of regions must beat staying.
	minDays = 0.60
)

// metricHolds are the reasons why the metrics cannot carry a decision.
func metricHolds(in Input) []Hold {
	h := in.History
	var holds []Hold
	add := func(r HoldReason, hint, format string, args ...any) {
		holds = append(holds, Hold{Reason: r, Detail: fmt.Sprintf(format, args...), Hint: hint})
	}
	if h.Partial {
		add(PartialMetrics, "run again later", "the metrics server answered in part: some of its storage did not reply")
	}
	switch {
	case h.Newest.IsZero():
		add(GappyMetrics, "check org and metrics-token: `fly tokens create readonly ORG`", "the organization has no metrics at all in the window")
	case in.Now.Sub(h.Newest) > maxStale:
		add(StaleMetrics, "run again when Fly's metrics are up to date", "the newest sample is %s old", in.Now.Sub(h.Newest).Round(time.Minute))
	}
	if gaps := h.Gaps(); gaps > maxGaps && !h.Newest.IsZero() {
		next := "run again when a day without gaps has passed"
		if n := h.Unbroken(); n >= 24 {
			next = fmt.Sprintf("there are samples without a gap for %d hours: use window: %dh", n, n)
		}
		add(GappyMetrics, next, "%.0f%% of the window's hours have no sample in the whole organization", 100*gaps)
	}
	if len(holds) == 0 && !h.Known {
		add(NoSeries, "check the app's name, and that its organization is the token's", "the metrics have no series of this app in the window: absent is not zero")
	}
	return holds
}

func requestHold(in Input, d demand.Demand) []Hold {
	if d.Mapped >= in.Policy.MinRequests && d.Mapped > 0 {
		return nil
	}
	h := Hold{Reason: TooFewRequests, Hint: "use a longer window, or lower min-requests"}
	counted := ""
	if in.Policy.Status != "" {
		counted = fmt.Sprintf(" with a status that matches %q", in.Policy.Status)
		h.Hint = "check status, a regular expression on codes such as 200; " + h.Hint
	}
	h.Detail = fmt.Sprintf("%.0f%s in %s, fewer than %.0f", d.Mapped, counted, days(in.Policy.Window), in.Policy.MinRequests)
	if d.Mapped == 0 {
		h.Detail = fmt.Sprintf("none%s in %s", counted, days(in.Policy.Window))
		if counted == "" {
			h.Hint = "see that the app serves the public through Fly's edge"
		}
	}
	if d.Mapped == 0 && len(d.Unmapped) > 0 {
		h.Detail = fmt.Sprintf("all in %s entered at codes that nobody knows: %s", days(in.Policy.Window), strings.Join(codesOf(d.Unmapped), ", "))
		h.Hint = "update Fly Placer, which does not know where these are"
	}
	return []Hold{h}
}

// unfinished lists the group's Machines that an apply left half-way.
func unfinished(in Input, g fleet.Group) []string {
	var ids []string
	for _, m := range g.Machines {
		if slices.Contains(in.Unfinished, m.ID) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// groupHolds are the reasons in the group itself.
func groupHolds(in Input, g fleet.Group) []Hold {
	var holds []Hold
	if g.Deploy != "" {
		holds = append(holds, Hold{DeployInProgress, g.Deploy, "run again when it is done"})
	}
	if marked := unfinished(in, g); len(marked) > 0 {
		holds = append(holds, Hold{
			UnfinishedApply, machines(len(marked)) + " of " + fmt.Sprint(len(g.Machines)) + " have its marks: " + strings.Join(marked, ", "),
			"run `fly-placer apply` again, which goes on where it stopped",
		})
	}
	if len(g.Failing) > 0 {
		holds = append(holds, Hold{FailingChecks, machines(len(g.Failing)) + " of " + fmt.Sprint(len(g.Machines)) + ": " + strings.Join(g.Failing, ", "), "run again when they are healthy, or gone"})
	}
	if len(g.Serving()) == 0 {
		holds = append(holds, Hold{NothingServes, "every Machine is stopped, cordoned or out of reach", "start one: `fly machine start`"})
	}
	if len(g.Lost) > 0 {
		ids := make([]string, len(g.Lost))
		for i, m := range g.Lost {
			ids[i] = m.ID + " in " + string(m.Region)
		}
		holds = append(holds, Hold{Unreadable, "hosts do not tell which process group these are of: " + strings.Join(ids, ", "), "run again when the hosts answer"})
	}
	if singleton(in, g) {
		holds = append(holds, Hold{Singleton, "that may be on purpose", "set min-machines to let it be placed"})
	}
	if g.LiteFS && !in.Policy.AllowLiteFS {
		holds = append(holds, Hold{LiteFS, "one of its Machines leads", "set allow-litefs if any Machine may go"})
	}
	if len(g.Mounts) > 0 {
		holds = append(holds, Hold{Volumes, strings.Join(g.Mounts, ", ") + ": a new Machine would start with an empty one", "groups with volumes are not placed"})
	}
	return holds
}

// singleton tells whether the group runs one Machine and nobody said that it
// may be placed.
func singleton(in Input, g fleet.Group) bool {
	return len(g.Machines) == 1 && !in.Policy.MinMachinesSet
}

func codesOf(m map[region.Code]float64) []string {
	var out []string
	for _, c := range slices.Sorted(maps.Keys(m)) {
		out = append(out, string(c))
	}
	return out
}

// days writes a window as people say it.
func days(d time.Duration) string {
	h := int(d / time.Hour)
	switch {
	case h == 24:
		return "1 day"
	case h%24 == 0:
		return fmt.Sprintf("%d days", h/24)
	case h == 1:
		return "1 hour"
	}
	return fmt.Sprintf("%d hours", h)
}
