package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/region"
)

type changeInput struct {
	in            Input
	p             problem
	solved        placement.Problem
	before, after placement.Evaluation
	group         *Group
}

// changesOf lists what leads from the live placement to the planned one, each
// with its reason: opened, grown, shrunk, closed, by code.
func changesOf(c changeInput) ([]Change, error) {
	now, next := c.group.Current, c.group.Placement
	codes := map[region.Code]bool{}
	for code := range now {
		codes[code] = true
	}
	for code := range next {
		codes[code] = true
	}
	var out []Change
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		if now[code] == next[code] {
			continue
		}
		x := Change{Region: code, From: now[code], To: next[code]}
		x.Compute = float64(x.Delta()) * c.rent(code)
		x.Share = c.share(c.after, code)
		if x.To == 0 {
			x.Share = c.share(c.before, code)
		}
		var err error
		if x.MS, err = c.effect(code); err != nil {
			return nil, err
		}
		x.Reason = c.reason(x)
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b Change) int { return cmp.Compare(a.kind(), b.kind()) })
	return out, nil
}

func (c Change) kind() int {
	switch {
	case c.From == 0:
		return 0
	case c.To == 0:
		return 3
	case c.Delta() > 0:
		return 1
	}
	return 2
}

func (c changeInput) rent(code region.Code) float64 {
	for _, x := range c.p.live.Candidates {
		if x.Region == string(code) {
			return x.MachineCost
		}
	}
	return 0
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

// effect is what opening or closing code does to the mean latency, the other
// planned regions staying as they are.
func (c changeInput) effect(code region.Code) (float64, error) {
	opens, closes := c.group.Current[code] == 0, c.group.Placement[code] == 0
	if !opens && !closes {
		return 0, nil
	}
	other := byName(c.group.Placement)
	if opens {
		delete(other, string(code))
	} else {
		other[string(code)] = c.group.Current[code]
	}
	if len(other) == 0 {
		return c.after.MeanLatencyMS - c.before.MeanLatencyMS, nil
	}
	e, err := placement.Evaluate(c.p.live, other)
	if err != nil {
		return 0, err
	}
	return c.after.MeanLatencyMS - e.MeanLatencyMS, nil
}

// reason says in a sentence why a region changes.
func (c changeInput) reason(x Change) string {
	switch {
	case x.From == 0:
		return fmt.Sprintf("serves %s of requests, mean latency %s; %s", percent(x.Share), ms(x.MS), c.counts(x))
	case x.To == 0:
		return fmt.Sprintf("served %s of requests until now; the regions that stay take them, mean latency %s", percent(x.Share), ms(x.MS))
	}
	return c.counts(x)
}

// counts says why a region gets its number of Machines.
func (c changeInput) counts(x Change) string {
	open := slices.Sorted(maps.Keys(byName(c.group.Placement)))
	required, ok := c.solved.Required(open)
	n, known := required[string(x.Region)]
	if !ok || !known {
		return machines(x.To)
	}
	var parts []string
	if c.solved.SoftLimit > 0 {
		parts = append(parts, fmt.Sprintf("its peak of %s in flight needs %s", load(n.PeakLoad), machines(n.Base)))
	} else {
		parts = append(parts, machines(n.Base)+" at least")
	}
	if more := n.Survive - n.Base; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more so that one may fail", more))
	}
	if more := n.Fill - n.Survive; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more for min-machines", more))
	}
	if more := x.To - n.Fill; more > 0 {
		why := "max-changes allows no more to go"
		if c.rent(x.Region) <= c.solved.MachineChangeCost {
			why = "removing costs more than it saves (change-cost)"
		}
		parts = append(parts, fmt.Sprintf("%d more kept: %s", more, why))
	}
	return strings.Join(parts, ", ")
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

func ms(v float64) string {
	switch {
	case v > -0.05 && v < 0.05:
		return "unchanged"
	case v < 0:
		return fmt.Sprintf("−%.1f ms", -v)
	}
	return fmt.Sprintf("+%.1f ms", v)
}

func load(v float64) string {
	if v < 10 {
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
	return fmt.Sprintf("breaks %s%s: %.5g, limit %.5g", OptionOf(b.Limit), in, b.Value, b.Bound)
}

// OptionOf names the option behind a limit of problem.json.
func OptionOf(limit string) string {
	switch limit {
	case "max_p95_latency_ms":
		return "max-p95-latency"
	case "required":
		return "require-regions"
	}
	return strings.ReplaceAll(limit, "_", "-")
}
