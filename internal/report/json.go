package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

// object becomes a JSON object with its keys in order.
type object = map[string]any

// JSON returns plan.json, version 1 (schema/plan.schema.json): keys in order,
// two spaces of indentation, a line break at the end. What is not known is
// left out: latency_ms without demand, the figures after for a group that has
// no placement. It fails on a figure that is not a number.
func JSON(p plan.Plan) ([]byte, error) {
	groups := object{}
	for _, g := range p.Groups {
		groups[g.Name] = groupObject(g)
	}
	o := object{
		"version": 1,
		"app":     p.App,
		"outcome": p.Outcome,
		"groups":  groups,
	}
	if p.Digest != "" {
		o["digest"] = p.Digest
	}
	if !p.Generated.IsZero() {
		o["generated_at"] = p.Generated.UTC().Format(time.RFC3339)
	}
	if !p.From.IsZero() && !p.To.IsZero() {
		// A time interval as ISO 8601 writes it.
		o["window"] = p.From.UTC().Format(time.RFC3339) + "/" + p.To.UTC().Format(time.RFC3339)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	if err := enc.Encode(o); err != nil {
		return nil, fmt.Errorf("write plan of %q as JSON: %w", p.App, err)
	}
	return b.Bytes(), nil
}

func groupObject(g plan.Group) object {
	o := object{
		"status":       g.Status,
		"current":      counts(g.Current),
		"changes":      changeList(g.Changes),
		"monthly_cost": object{"before": cost(g.Before)},
		"pins":         []object{},
		"holds":        []object{},
		"demand":       demand(g.Edges),
		"edges":        edgeList(g.Edges),
		"unmapped":     shares(g.Unmapped),
	}
	placed := g.Status != plan.Infeasible
	if placed {
		o["placement"] = counts(g.Placement)
		o["monthly_cost"].(object)["after"] = cost(g.After)
	}
	if len(g.Edges) > 0 {
		ms := object{"before": latencies(g.Before)}
		if placed {
			ms["after"] = latencies(g.After)
		}
		o["latency_ms"] = ms
	}
	if c := g.Calibration; c.Used || c.Reason != "" {
		o["calibration"] = object{
			"used": c.Used, "factor": round(c.Factor, 4), "residual_ms": round(c.ResidualMS, 3),
			"edges": c.Edges, "share": round(c.Share, 6), "reason": c.Reason,
		}
	}
	if g.Solved != "" {
		o["objective"], o["bound"], o["gap"] = round(g.Objective, 6), round(g.Bound, 6), round(g.Gap, 9)
	}
	if len(g.Why) > 0 {
		evidence(o, g)
	}
	if g.Decided != nil {
		o["decided"] = judgedObject(*g.Decided)
	}
	if len(g.Drift) > 0 {
		o["drift"] = driftList(g.Drift)
	}
	if g.Pending {
		o["pending"] = true
	}
	if u := g.Unrestricted; u != nil {
		o["unrestricted"] = object{
			"limits": append([]string{}, u.Limits...), "placement": counts(u.Placement),
			"latency_ms": latencies(u.Figures), "monthly_cost": cost(u.Figures),
		}
	}
	pins := []object{}
	for _, p := range g.Pins {
		pins = append(pins, object{"machine": p.Machine, "region": p.Region, "reason": p.Reason})
	}
	o["pins"] = pins
	holds := []object{}
	for _, h := range g.Holds {
		holds = append(holds, object{"reason": h.Reason, "detail": h.Detail})
	}
	o["holds"] = holds
	return o
}

func changeList(changes []plan.Change) []object {
	out := []object{}
	for _, c := range changes {
		out = append(out, object{
			"region": c.Region, "delta": c.Delta(), "usd_machines": round(c.Rent, 4), "reason": c.Reason,
			"share": round(c.Share, 6), "ms": round(c.MS, 3),
			"usd_compute": round(c.Compute, 4), "usd_transfer": round(c.Transfer, 4),
		})
	}
	return out
}

// evidence adds what the plan was compared with.
func evidence(o object, g plan.Group) {
	o["why"], o["not_added"] = comparisonList(g.Why), comparisonList(g.NotAdded)
	if up := g.RunnerUp; up != nil {
		o["runner_up"] = object{"open": up.Open, "objective": round(up.Objective, 6), "regret": round(up.Regret, 6), "status": up.Status}
	}
	points := []object{}
	for _, p := range g.Frontier {
		x := object{"regions": p.Regions, "status": p.Status}
		if len(p.Placement) > 0 {
			x["open"], x["placement"], x["objective"] = p.Open, counts(p.Placement), round(p.Objective, 6)
			x["mean_latency_ms"], x["monthly_cost"] = round(p.MeanMS, 3), round(p.Cost, 4)
		}
		points = append(points, x)
	}
	o["frontier"] = points
}

func comparisonList(list []plan.Comparison) []object {
	out := []object{}
	for _, c := range list {
		x := object{
			"region": c.Region, "share": round(c.Share, 6), "ms": round(c.MS, 3),
			"usd_compute": round(c.Compute, 4), "usd_transfer": round(c.Transfer, 4), "status": c.Status,
		}
		if len(c.Open) > 0 {
			x["open"], x["objective"] = c.Open, round(c.Objective, 6)
		}
		out = append(out, x)
	}
	return out
}

func latencies(f plan.Figures) object {
	return object{"mean": round(f.MeanMS, 3), "p50": round(f.P50MS, 3), "p95": round(f.P95MS, 3)}
}

func cost(f plan.Figures) object {
	return object{"compute": round(f.Compute, 4), "transfer": round(f.Transfer, 4), "total": round(f.Total(), 4)}
}

// counts leaves out regions without Machines.
func counts(placement map[region.Code]int) map[region.Code]int {
	out := map[region.Code]int{}
	for c, n := range placement {
		if n != 0 {
			out[c] = n
		}
	}
	return out
}

func demand(edges []plan.Edge) map[region.Code]float64 {
	out := map[region.Code]float64{}
	for _, e := range edges {
		out[e.Code] += round(e.Share, 6)
	}
	return out
}

// edgeList tells for each edge region what serves it, how far that is, and
// where the round trip is from.
func edgeList(edges []plan.Edge) []object {
	out := []object{}
	for _, e := range edges {
		x := object{
			"region": e.Code, "share": round(e.Share, 6), "source": e.Source,
			"served_by": object{"before": e.FromBefore, "after": e.FromAfter},
			"ms":        object{"before": round(e.BeforeMS, 3), "after": round(e.AfterMS, 3)},
		}
		if e.FromAfter == "" { // nothing is planned
			x["served_by"], x["ms"] = object{"before": e.FromBefore}, object{"before": round(e.BeforeMS, 3)}
		}
		out = append(out, x)
	}
	return out
}

func shares(of map[region.Code]float64) map[region.Code]float64 {
	out := map[region.Code]float64{}
	for c, share := range of {
		out[c] = round(share, 6)
	}
	return out
}

// round keeps figures readable: the last digits of a sum say nothing.
func round(v float64, digits int) float64 {
	p := math.Pow10(digits)
	if r := math.Round(v*p) / p; !math.IsInf(r, 0) {
		return r + 0 // no negative zero
	}
	return v
}
