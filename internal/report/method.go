package report

import (
	"fmt"

	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/report/doc"
)

// pinsShown is how many pins are listed where there is little room.
const pinsShown = 12

func (v view) pins() doc.Section {
	s := doc.Section{Detail: doc.Normal}
	if len(v.Pins) == 0 {
		return s
	}
	table := func(from, to int) doc.Table {
		t := doc.Table{Columns: []doc.Column{{Title: "Machine"}, {Title: "Region"}, {Title: "Why"}}}
		for _, p := range v.Pins[from:to] {
			machine := doc.C(p.Machine)
			if p.Machine == "" {
				machine = doc.T("any")
			}
			t.Rows = append(t.Rows, []doc.Text{machine, doc.T(string(p.Region)), doc.Join(doc.B(string(p.Reason)+":"), doc.T(" "), doc.Ticked(p.Detail))})
		}
		return t
	}
	n := len(v.Pins)
	if n > pinsShown+1 {
		n = pinsShown
	}
	first := table(0, n)
	s.Blocks = []doc.Block{v.heading("What stays where it is"), first}
	if more := len(v.Pins) - n; more > 0 {
		first.Rows = append(first.Rows, []doc.Text{doc.T(group(itoa(more)) + " more")})
		s.Blocks = []doc.Block{s.Blocks[0], first, doc.Section{Detail: doc.Full, Blocks: []doc.Block{
			doc.Details{Title: "The other " + count(more, "pin", "pins"), Blocks: []doc.Block{table(n, len(v.Pins))}},
		}}}
	}
	return s
}

// method says how the plan came about.
func (v view) method() doc.Section {
	s := doc.Section{Detail: doc.Normal}
	var list doc.List
	for _, line := range [][]string{v.traffic(), v.load(), v.latency(), v.value(), v.proof(), v.kept()} {
		for _, text := range line {
			list.Items = append(list.Items, doc.T(text))
		}
	}
	if len(v.Problem.Candidates) > 0 {
		list.Items = append(list.Items, doc.Join(doc.T("To reproduce it, set "), doc.C("report-dir"), doc.T(": "),
			doc.C("problem.json"), doc.T(" there states all that was solved.")))
	}
	if len(list.Items) > 0 {
		s.Blocks = []doc.Block{doc.Details{Title: "How this was computed", Blocks: []doc.Block{list}}}
	}
	return s
}

func (v view) traffic() []string {
	if v.plan.From.IsZero() || v.plan.To.IsZero() {
		return nil
	}
	const layout = "2006-01-02 15:04"
	text := "Traffic from " + v.plan.From.UTC().Format(layout) + " to " + v.plan.To.UTC().Format(layout) + " UTC"
	if v.Sizing.RequestsPerMonth > 0 {
		text += ", " + amount(v.Sizing.RequestsPerMonth) + " requests in 30 days at that rate"
	}
	return []string{text + "."}
}

// load says how the counts were sized.
func (v view) load() []string {
	z := v.Sizing
	var out []string
	switch z.Basis {
	case "concurrency":
		peaks := "peaks equal the hour's mean"
		if times := decimal(z.Burst); times != "1" {
			peaks = "peaks are " + times + " times an hour's mean"
		}
		out = append(out, "Load from the measured concurrency: "+decimal(z.PerRPS)+" requests in flight for each request per second; "+peaks+".")
	case "response time":
		out = append(out, "Load from the mean response time: "+decimal(z.PerRPS)+" requests in flight for each request per second (Little's law).")
	case "none":
		out = append(out, "The load of a request is not known, so Machines may be added but not removed.")
	}
	if z.PeakInFlight > 0 {
		text := "At the busiest hour " + count(int(z.PeakInFlight+0.5), "request is", "requests are") + " in flight"
		if z.SoftLimit > 0 {
			text += ". A Machine's soft limit is " + decimal(z.SoftLimit)
			if u := v.Problem.Limits.TargetUtilization; u > 0 && u < 1 {
				text += ", of which " + percent(u) + " may be used"
			}
			if z.HardLimit > 0 && z.HardLimit != z.SoftLimit {
				text += "; the hard limit is " + decimal(z.HardLimit)
			}
		}
		out = append(out, text+".")
	}
	switch v.Problem.Limits.Survive {
	case placement.Machine:
		out = append(out, "One Machine may fail without overload.")
	case placement.Region:
		out = append(out, "One region may fail without overload.")
	case placement.None:
	}
	if v.Guest.CPUs > 0 {
		text := "Machines are " + v.Guest.String() + ", running all month."
		if z.Autostop {
			text = "Machines are " + v.Guest.String() + ". " + v.runningHours()
		}
		out = append(out, text)
	}
	return out
}

// runningHours says what Machines cost that fly-proxy stops when they are idle.
func (v view) runningHours() string {
	if v.Problem.Autostop == nil {
		return "fly-proxy stops idle ones; without demand, all are taken to run all month."
	}
	text := "fly-proxy stops idle ones, so they cost by running hours, and " + price.Format(v.Problem.Autostop.StoppedCost) +
		" a month while stopped (1 GB of root file system is assumed): " + decimal(v.Before.Running) + " of " + itoa(total(v.Current)) + " run in the mean now"
	if v.Status == plan.Planned {
		text += ", " + decimal(v.After.Running) + " of " + itoa(total(v.Placement)) + " as planned"
	}
	if s := v.Problem.Autostop.Scale; s > 0 {
		text += "; the load predicts " + percent(1/s) + " of the hours that were recorded, and is scaled to them"
	}
	if v.Before.ColdMS > 0 || v.After.ColdMS > 0 {
		text += ". Requests after a quiet gap wait for a start: " + step(millis(v.Before.ColdMS), millis(v.After.ColdMS)) + " ms in the mean of all requests, counted in the mean round trip"
	}
	return text + "."
}

// latency says where the round trips are from, and what the app's own response
// times make of them.
func (v view) latency() []string {
	if len(v.Edges) == 0 {
		return nil
	}
	var estimated float64
	for _, e := range v.Edges {
		if e.Source == latency.Model {
			estimated += e.Share
		}
	}
	var out []string
	if estimated > 0 {
		out = append(out, percent(estimated)+" of the requests are served over a distance whose round trip is estimated, not measured.")
	}
	if z := v.Sizing; z.Backend != "" && z.BackendTrips > 0 {
		out = append(out, "Each request also waits for "+decimal(z.BackendTrips)+" round trips between its Machine and the backend in "+string(z.Backend)+
			": counted in the mean, p95 and median, not in the round trips of the edge regions.")
	}
	switch c := v.Calibration; {
	case c.Used:
		out = append(out, fmt.Sprintf("Round trips are the table's times %.2f, by the app's own response times: mean at the edge less mean at the Machines, "+
			"of %s with %s of the requests; they differ from that by %s ms in the mean.",
			c.Factor, count(c.Edges, "edge region", "edge regions"), percent(c.Share), millis(c.ResidualMS)))
	case c.Reason != "":
		out = append(out, "Round trips are not scaled to the app's own response times: "+c.Reason+".")
	}
	return out
}

func (v view) value() []string {
	if v.Sizing.ValuePerMS <= 0 {
		return nil
	}
	worth := price.Format(v.Sizing.ValuePerMS)
	if worth == price.Format(0) {
		worth = "under " + price.Format(0.01)
	}
	return []string{"A millisecond less is taken to be worth " + worth + " a month (value-per-ms)."}
}

// proof says how good the placement is known to be.
func (v view) proof() []string {
	switch v.Solved {
	case placement.Optimal:
		return []string{"Proven optimal for this model: latency, cost and changes together come to " + price.Format(v.Objective) +
			" a month, and no placement within the limits comes to less."}
	case placement.Feasible:
		return []string{"Best found, not proven optimal: latency, cost and changes together come to " + price.Format(v.Objective) +
			" a month, and no placement within the limits to less than " + price.Format(v.Bound) + " (gap " + gap(v.Gap) + ")."}
	case placement.Infeasible, placement.Unknown:
	}
	return nil
}

// kept says what a plan has beyond the optimum.
func (v view) kept() []string {
	if v.Kept == 0 {
		return nil
	}
	return []string{"Beyond that, " + count(v.Kept, "live Machine stays", "live Machines stay") + ": the peak is within 10% of needing " +
		map[bool]string{true: "it", false: "them"}[v.Kept == 1] + ", and would call for a new one soon."}
}

// gap shows a gap with enough digits not to read as none.
func gap(g float64) string {
	if g > 0 && g < 0.1 {
		return fmt.Sprintf("%.2g%%", g*100)
	}
	return percent(g)
}
