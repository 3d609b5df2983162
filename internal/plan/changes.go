package plan

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

type changeInput struct {
	p             problem
	solved        placement.Problem
	next          map[string]int // serving Machines as planned; p.live.Current is now
	kept          map[string]int // of these, those that the optimum does not have
	before, after placement.Evaluation
	group         *Group
}

// The kinds of changes, in the order in which they are told.
const (
	opens = iota
	grows
	shrinks
	closes
)

// kind tells what happens to the serving Machines of a region.
func (c changeInput) kind(code region.Code) int {
	now, next := c.p.live.Current[string(code)], c.next[string(code)]
	switch {
	case now == 0:
		return opens
	case next == 0:
		return closes
	case next > now:
		return grows
	}
	return shrinks
}

// changesOf lists what leads from the live placement to the planned one, each
// with its reason: opened, grown, shrunk, closed, by code.
func changesOf(c changeInput) []Change {
	now, next := c.group.Current, c.group.Placement
	var out []Change
	for _, candidate := range c.p.live.Candidates { // by code
		code := region.Code(candidate.Region)
		if now[code] == next[code] {
			continue
		}
		x := Change{Region: code, From: now[code], To: next[code]}
		x.Rent = c.bill(c.after, code, c.next) - c.bill(c.before, code, c.p.live.Current)
		for _, why := range c.group.Why {
			if why.Region == code {
				x.Share, x.MS, x.Compute, x.Transfer = why.Share, why.MS, why.Compute, why.Transfer
			}
		}
		x.Reason = c.reason(x)
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b Change) int { return cmp.Compare(c.kind(a.Region), c.kind(b.Region)) })
	return out
}

// bill is what the serving Machines of a region cost in a placement.
func (c changeInput) bill(e placement.Evaluation, code region.Code, counts map[string]int) float64 {
	run := e.Running[string(code)]
	return run*c.rent(code) + (float64(counts[string(code)])-run)*c.stopped()
}

// rent is what a Machine costs that runs all month.
func (c changeInput) rent(code region.Code) float64 {
	for _, x := range c.p.live.Candidates {
		if x.Region == string(code) {
			return x.MachineCost
		}
	}
	return 0
}

// stopped is what a Machine costs that is stopped all month.
func (c changeInput) stopped() float64 {
	if a := c.p.live.Autostop; a != nil {
		return a.StoppedCost
	}
	return 0
}

// spare is what a Machine more than the load asks for costs.
func (c changeInput) spare(code region.Code) float64 {
	if c.p.live.Autostop != nil {
		return c.stopped()
	}
	return c.rent(code)
}

// share is the part of the mapped requests that code serves.
func (c changeInput) share(e placement.Evaluation, code region.Code) float64 {
	sum, all := 0.0, 0.0
	for _, edge := range c.p.live.Edges {
		all += edge.Requests
		if e.Assignment[edge.Region] == string(code) {
			sum += edge.Requests
		}
	}
	if all == 0 {
		return 0
	}
	return sum / all
}

// reason says in a sentence why a region changes.
func (c changeInput) reason(x Change) string {
	switch c.kind(x.Region) {
	case opens:
		return fmt.Sprintf("serves %s of requests%s%s; %s", percent(x.Share), c.spares(x.Region), longer(-x.MS), c.counts(x.Region))
	case closes:
		served := percent(c.share(c.before, x.Region))
		if why := c.p.bars[x.Region]; why != "" {
			return fmt.Sprintf("%s bars it; the others take the %s of requests that it served", why, served)
		}
		return fmt.Sprintf("served %s of requests, which the others take%s", served, off("; keeping it would take", x.MS))
	}
	return c.counts(x.Region)
}

// off says what takes how much off the mean round trip of all requests; nothing
// where it takes off none.
func off(what string, ms float64) string {
	if ms < 0.05 {
		return ""
	}
	return fmt.Sprintf("%s %.1f ms off the mean", what, ms)
}

// longer says how much longer the mean round trip would be without a region.
func longer(ms float64) string {
	if ms < 0.05 {
		return ""
	}
	return fmt.Sprintf("; without it the mean would be %.1f ms longer", ms)
}

// spares says how many Machines the other planned regions would need besides
// theirs if code did not open.
func (c changeInput) spares(code region.Code) string {
	rest := maps.Clone(c.next)
	delete(rest, string(code))
	required, ok := c.solved.Required(slices.Sorted(maps.Keys(rest)))
	if !ok && c.solved.Limits.Survive == placement.Region && len(rest) == 1 {
		return ", replaces the other when it fails"
	}
	if !ok {
		return ""
	}
	more := 0
	for other, n := range required {
		more += max(0, n.Fill-rest[other])
	}
	if more == 0 {
		return ""
	}
	return fmt.Sprintf(", spares the others %s", machines(more))
}

// counts says why a region gets its number of serving Machines.
func (c changeInput) counts(code region.Code) string {
	to := c.next[string(code)]
	required, ok := c.solved.Required(slices.Sorted(maps.Keys(c.next)))
	n, known := required[string(code)]
	if !ok || !known {
		return machines(to)
	}
	var parts []string
	more := func(n int, why string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d more %s", n, why))
		}
	}
	carry := c.carry(n.PeakLoad)
	parts = append(parts, fmt.Sprintf("its peak of %s in flight needs %s", load(n.PeakLoad), machines(carry)))
	if c.group.Sizing.Basis == string(demand.Unknown) {
		parts[0] = fmt.Sprintf("its peak needs %s, by what the busiest live one carries", machines(carry))
	}
	more(n.Base-carry, "that must be there (pins, min-in-region, min-machines-per-region)")
	fails := "so that one may fail"
	if c.solved.Limits.Survive == placement.Region {
		fails = "so that a region may fail"
	}
	more(n.Survive-n.Base, fails)
	more(n.Fill-n.Survive, "for min-machines")
	why := "kept: max-changes allows no more to go"
	if c.spare(code) <= c.solved.MachineChangeCost {
		why = "kept: removing costs more than it saves (change-cost)"
	}
	kept := min(c.kept[string(code)], to-n.Fill)
	more(kept, fmt.Sprintf("kept: the peak is within %.0f%% of needing them", 100*shrinkMargin))
	more(to-n.Fill-kept, why)
	if idle := c.group.Current[code] - c.p.live.Current[string(code)]; idle > 0 {
		more(idle, "that serve nothing stay")
	}
	return strings.Join(parts, ", ")
}

// carry is how many Machines a load needs at the target utilization.
func (c changeInput) carry(load float64) int {
	p := c.solved
	soft := p.SoftLimit
	if p.HardLimit > 0 {
		soft = min(soft, p.HardLimit)
	}
	return max(1, int(math.Ceil(load/(soft*cmp.Or(p.Limits.TargetUtilization, 1))*(1-1e-9))))
}

func machines(n int) string {
	if n == 1 {
		return "1 Machine"
	}
	return fmt.Sprintf("%d Machines", n)
}

func percent(share float64) string {
	if share > 0 && share < 0.01 {
		return "under 1%"
	}
	return fmt.Sprintf("%.0f%%", 100*share)
}

func load(v float64) string {
	switch {
	case v < 0.1:
		return "under 0.1"
	case v < 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// liveFindings says where the live placement itself breaks a limit or the load.
func liveFindings(e placement.Evaluation) []Finding {
	var out []Finding
	for _, b := range e.Broken {
		out = append(out, Finding{Level: Warning, Text: "the live placement " + breach(b)})
	}
	return out
}

// breach says a broken limit in the words of the options.
func breach(b placement.Breach) string {
	in := ""
	if b.Region != "" {
		in = " in " + b.Region
	}
	switch b.Limit {
	case "load":
		return fmt.Sprintf("has %s%s where the busiest hour needs %g", machines(int(b.Value)), in, b.Bound)
	case "survive":
		if b.Region == "" {
			return "has one region, which nothing replaces when it fails"
		}
		return fmt.Sprintf("has %s%s where a failure needs %g", machines(int(b.Value)), in, b.Bound)
	case "required":
		return fmt.Sprintf("lacks %s, which is required", b.Region)
	}
	value, bound := fmt.Sprintf("%g", b.Value), fmt.Sprintf("%g", b.Bound)
	switch b.Limit {
	case "max_monthly_cost":
		value, bound = price.Format(b.Value), price.Format(b.Bound)
	case "max_p95_latency_ms":
		value, bound = fmt.Sprintf("%.0f ms", b.Value), fmt.Sprintf("%g ms", b.Bound)
	case "min_machines":
		if b.Region != "" {
			return fmt.Sprintf("breaks min-in-region in %s: %s of %s", b.Region, value, bound)
		}
	}
	return fmt.Sprintf("breaks %s%s: %s, limit %s", OptionOf(b.Limit), in, value, bound)
}

// OptionOf names the option behind a limit of problem.json.
func OptionOf(limit string) string {
	switch limit {
	case "max_p95_latency_ms":
		return "max-p95-latency"
	case "required":
		return "require-regions"
	case "soft_limit", "hard_limit": // the service's own
		return strings.ReplaceAll(limit, "_", " ")
	}
	return strings.ReplaceAll(limit, "_", "-")
}
