package placement

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

const (
	// maxCandidates is what a set of regions in one machine word holds;
	// maxPlainCandidates is for plain problems.
	maxCandidates      = 64
	maxPlainCandidates = 1000
	// maxCount bounds the Machines of a region and every stated number, so that
	// sums stay exact and counting up one Machine at a time stays cheap.
	maxCount = 100_000
	// maxErrors bounds what is reported: a matrix can be wrong everywhere.
	maxErrors = 100
)

// Validate reports what is wrong with p in one joined error, up to 100 things,
// each with its path in problem.json: shapes that do not fit, negative or
// non-finite numbers, regions that appear twice, and limits that contradict
// each other on their own. A valid Problem may still be infeasible.
func (p Problem) Validate() error {
	if errs := p.wrong(true); len(errs) > 0 {
		return fmt.Errorf("check problem %q: %w", p.Name, errors.Join(errs...))
	}
	return nil
}

// wrong lists what Validate reports; without shapes where those of the lists
// are not known.
func (p Problem) wrong(shapes bool) []error {
	c := &checker{shapes: shapes}
	if p.Version != 0 && p.Version != 1 {
		c.add("version is %d; this program reads version 1", p.Version)
	}
	c.amount(p.ValuePerMS, "value_per_ms")
	c.amount(p.ChangeCost, "change_cost")
	c.amount(p.MachineChangeCost, "machine_change_cost")
	c.share(p.SoftLimit, 1e15, "soft_limit")
	c.share(p.HardLimit, 1e15, "hard_limit")
	for _, code := range sortedKeys(p.Current) {
		if code == "" {
			c.add("current has an empty region code")
		}
		c.count(p.Current[code], "current[%q]", code)
	}
	c.candidates(p.Candidates)
	c.autostop(p)
	c.edges(p.Edges)
	c.matrix("latency_ms", p.LatencyMS, p)
	if p.TransferUSDPerGB != nil {
		c.matrix("transfer_usd_per_gb", p.TransferUSDPerGB, p)
	}
	c.limits(p.Limits)
	if n := len(p.Candidates); c.shapes && c.errs == nil && n > maxCandidates {
		if why := p.entangled(); why != "" {
			c.add("candidates has %d regions; it must have 1 to %d, because %s", n, maxCandidates, why)
		}
	}
	return c.errs
}

// A checker collects what is wrong.
type checker struct {
	errs   []error
	shapes bool // that lists fit each other is checked, too
}

func (c *checker) add(format string, args ...any) {
	if len(c.errs) < maxErrors {
		c.errs = append(c.errs, fmt.Errorf(format, args...))
	}
}

func (c *checker) amount(v float64, format string, args ...any) {
	// 1e15 keeps every sum of products finite and far from losing cents.
	if math.IsNaN(v) || v < 0 || v > 1e15 {
		c.add("%s is %v; it must be a number from 0 to 1e15", fmt.Sprintf(format, args...), v)
	}
}

// share checks a number that is divided by.
func (c *checker) share(v, most float64, name string) {
	if v != 0 && !(v >= 1e-6 && v <= most) {
		c.add("%s is %v; it must be from 0.000001 to %v, or absent", name, v, most)
	}
}

func (c *checker) count(v int, format string, args ...any) {
	if v < 0 || v > maxCount {
		c.add("%s is %d; it must be from 0 to %d", fmt.Sprintf(format, args...), v, maxCount)
	}
}

func (c *checker) unique(list string, codes []string) {
	first := make(map[string]int, len(codes))
	for i, code := range codes {
		if code == "" {
			c.add("%s[%d].region is missing", list, i)
		} else if at, twice := first[code]; twice {
			c.add("%s[%d].region is %q, as that of %s[%d]; each must be there once", list, i, code, list, at)
			continue
		}
		first[code] = i
	}
}

func (c *checker) candidates(list []Candidate) {
	if c.shapes && (len(list) == 0 || len(list) > maxPlainCandidates) {
		c.add("candidates has %d regions; it must have 1 to %d", len(list), maxPlainCandidates)
	}
	codes := make([]string, len(list))
	for i, cand := range list {
		codes[i] = cand.Region
		c.amount(cand.MachineCost, "candidates[%d].machine_cost", i)
		c.amount(cand.BackendMS, "candidates[%d].backend_ms", i)
		c.count(cand.MinMachines, "candidates[%d].min_machines", i)
		c.count(cand.MaxMachines, "candidates[%d].max_machines", i)
		if cand.MaxMachines > 0 && cand.MinMachines > cand.MaxMachines {
			c.add("candidates[%d].min_machines %d is above max_machines %d", i, cand.MinMachines, cand.MaxMachines)
		}
	}
	c.unique("candidates", codes)
}

func (c *checker) autostop(p Problem) {
	for i, cand := range p.Candidates {
		c.count(cand.MinRunning, "candidates[%d].min_running", i)
		if cand.MinRunning > 0 && p.Autostop == nil {
			c.add("candidates[%d].min_running is %d, but without autostop every Machine runs; add autostop, or leave it out",
				i, cand.MinRunning)
		}
	}
	if a := p.Autostop; a != nil {
		c.amount(a.StoppedCost, "autostop.stopped_machine_cost")
		c.share(a.Scale, 1e15, "autostop.running_scale")
		c.amount(a.ColdStartMS, "autostop.cold_start_ms")
		c.amount(a.RequestsPerHour, "autostop.requests_per_hour")
	}
}

func (c *checker) edges(list []Edge) {
	codes := make([]string, len(list))
	for i, e := range list {
		codes[i] = e.Region
		c.amount(e.Requests, "edges[%d].requests", i)
		c.amount(e.GBOut, "edges[%d].gb_out", i)
		if c.shapes && len(e.Demand) != len(list[0].Demand) {
			c.add("edges[%d].demand has %d hours, edges[0].demand %d; all edges must have the same",
				i, len(e.Demand), len(list[0].Demand))
		}
		for h, d := range e.Demand {
			c.amount(d, "edges[%d].demand[%d]", i, h)
		}
	}
	c.unique("edges", codes)
}

func (c *checker) matrix(name string, rows [][]float64, p Problem) {
	if c.shapes && len(rows) != len(p.Edges) {
		c.add("%s has %d rows for %d edges", name, len(rows), len(p.Edges))
	}
	for e, row := range rows {
		if c.shapes && len(p.Candidates) > 0 && len(row) != len(p.Candidates) {
			c.add("%s[%d] has %d columns for %d candidates", name, e, len(row), len(p.Candidates))
		}
		for s, v := range row {
			if !(v >= 0 && v <= 1e15) { // in most cases there is no name to build
				c.amount(v, "%s[%d][%d]", name, e, s)
			}
		}
	}
}

func (c *checker) limits(l Limits) {
	c.count(l.MinRegions, "limits.min_regions")
	c.count(l.MaxRegions, "limits.max_regions")
	c.count(l.MinMachines, "limits.min_machines")
	c.count(l.MaxMachines, "limits.max_machines")
	c.count(l.MinMachinesPerRegion, "limits.min_machines_per_region")
	c.count(l.MaxChanges, "limits.max_changes")
	c.amount(l.MaxMonthlyCost, "limits.max_monthly_cost")
	c.amount(l.MaxP95LatencyMS, "limits.max_p95_latency_ms")
	if l.MaxRegions > 0 && l.MinRegions > l.MaxRegions {
		c.add("limits.min_regions %d is above max_regions %d", l.MinRegions, l.MaxRegions)
	}
	if l.MaxMachines > 0 && l.MinMachines > l.MaxMachines {
		c.add("limits.min_machines %d is above max_machines %d", l.MinMachines, l.MaxMachines)
	}
	c.share(l.TargetUtilization, 1, "limits.target_utilization")
	c.share(l.ShrinkMargin, 1, "limits.shrink_margin")
	if !slices.Contains([]Survive{"", None, Machine, Region}, l.Survive) {
		c.add("limits.survive is %q; it must be %s, %s or %s", l.Survive, None, Machine, Region)
	}
}
