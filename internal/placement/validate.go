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
)

// Validate reports everything that is wrong with p in one joined error: shapes
// that do not fit, negative or non-finite numbers, regions that appear twice,
// and limits that contradict each other on their own. A valid Problem may
// still be infeasible.
func (p Problem) Validate() error {
	c := &checker{}
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
		c.count(p.Current[code], "current[%s]", code)
	}
	c.candidates(p.Candidates)
	c.edges(p.Edges)
	c.matrix("latency_ms", p.LatencyMS, p)
	if p.TransferUSDPerGB != nil {
		c.matrix("transfer_usd_per_gb", p.TransferUSDPerGB, p)
	}
	c.limits(p.Limits)
	if n := len(p.Candidates); c.errs == nil && n > maxCandidates {
		if why := p.entangled(); why != "" {
			c.add("candidates has %d regions; it must have 1 to %d, because %s", n, maxCandidates, why)
		}
	}
	if c.errs == nil {
		return nil
	}
	return fmt.Errorf("check problem %q: %w", p.Name, errors.Join(c.errs...))
}

// A checker collects what is wrong.
type checker struct{ errs []error }

func (c *checker) add(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
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
	seen := make(map[string]bool, len(codes))
	for i, code := range codes {
		if code == "" {
			c.add("%s[%d] has no region code", list, i)
		} else if seen[code] {
			c.add("%s lists region %q more than once", list, code)
		}
		seen[code] = true
	}
}

func (c *checker) candidates(list []Candidate) {
	if len(list) == 0 || len(list) > maxPlainCandidates {
		c.add("candidates has %d regions; it must have 1 to %d", len(list), maxPlainCandidates)
	}
	codes := make([]string, len(list))
	for i, cand := range list {
		codes[i] = cand.Region
		c.amount(cand.MachineCost, "machine_cost of candidate %s", cand.Region)
		c.amount(cand.BackendMS, "backend_ms of candidate %s", cand.Region)
		c.count(cand.MinMachines, "min_machines of candidate %s", cand.Region)
		c.count(cand.MaxMachines, "max_machines of candidate %s", cand.Region)
		if cand.MaxMachines > 0 && cand.MinMachines > cand.MaxMachines {
			c.add("candidate %s wants at least %d Machines and at most %d",
				cand.Region, cand.MinMachines, cand.MaxMachines)
		}
	}
	c.unique("candidates", codes)
}

func (c *checker) edges(list []Edge) {
	codes := make([]string, len(list))
	for i, e := range list {
		codes[i] = e.Region
		c.amount(e.Requests, "requests of edge %s", e.Region)
		c.amount(e.GBOut, "gb_out of edge %s", e.Region)
		if len(e.Demand) != len(list[0].Demand) {
			c.add("demand of edge %s has %d hours, that of %s %d; all edges must have the same",
				e.Region, len(e.Demand), list[0].Region, len(list[0].Demand))
		}
		for h, d := range e.Demand {
			c.amount(d, "demand of edge %s in hour %d", e.Region, h)
		}
	}
	c.unique("edges", codes)
}

func (c *checker) matrix(name string, rows [][]float64, p Problem) {
	if len(rows) != len(p.Edges) {
		c.add("%s has %d rows for %d edges", name, len(rows), len(p.Edges))
	}
	for e, row := range rows {
		if len(row) != len(p.Candidates) {
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
	c.count(l.MinRegions, "min_regions")
	c.count(l.MaxRegions, "max_regions")
	c.count(l.MinMachines, "min_machines")
	c.count(l.MaxMachines, "max_machines")
	c.count(l.MinMachinesPerRegion, "min_machines_per_region")
	c.count(l.MaxChanges, "max_changes")
	c.amount(l.MaxMonthlyCost, "max_monthly_cost")
	c.amount(l.MaxP95LatencyMS, "max_p95_latency_ms")
	if l.MaxRegions > 0 && l.MinRegions > l.MaxRegions {
		c.add("min_regions %d is above max_regions %d", l.MinRegions, l.MaxRegions)
	}
	if l.MaxMachines > 0 && l.MinMachines > l.MaxMachines {
		c.add("min_machines %d is above max_machines %d", l.MinMachines, l.MaxMachines)
	}
	c.share(l.TargetUtilization, 1, "target_utilization")
	if !slices.Contains([]Survive{"", None, Machine, Region}, l.Survive) {
		c.add("survive is %q; it must be %s, %s or %s", l.Survive, None, Machine, Region)
	}
}
