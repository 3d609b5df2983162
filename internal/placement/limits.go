package placement

import (
	"cmp"
	"math"
	"slices"
)

// setLimits sets what follows from the limits of p, whose candidates are those of m.
func (m *model) setLimits(p Problem) {
	m.limits = p.Limits
	l := &m.limits
	l.MinRegions = max(1, l.MinRegions)
	l.MaxRegions = orUnlimited(l.MaxRegions)
	l.MaxMachines = orUnlimited(l.MaxMachines)
	l.MaxChanges = orUnlimited(l.MaxChanges)
	if l.MaxMonthlyCost == 0 {
		l.MaxMonthlyCost = math.Inf(1)
	}
	if l.MaxP95LatencyMS == 0 {
		l.MaxP95LatencyMS = math.Inf(1)
	}
	if l.TargetUtilization == 0 {
		l.TargetUtilization = 1
	}
	m.quota, m.hard = math.Inf(1), math.Inf(1)
	if p.SoftLimit > 0 {
		m.hard = cmp.Or(p.HardLimit, p.SoftLimit)
		// fly-proxy never fills a Machine beyond its hard limit, so a soft
		// limit above it means nothing.
		m.quota = l.TargetUtilization * min(p.SoftLimit, m.hard)
	}
	n := len(m.regions)
	m.floor, m.ceiling, m.minimum, m.must = make([]int, n), make([]int, n), make([]int, n), make([]bool, n)
	for _, c := range p.Candidates {
		s := m.index[c.Region]
		m.floor[s] = max(1, c.MinMachines, l.MinMachinesPerRegion)
		m.ceiling[s] = cmp.Or(c.MaxMachines, maxCount)
		m.minimum[s] = c.MinMachines
		m.must[s] = c.Required || c.MinMachines > 0
	}
}

// limited is m with the limits of q, which differs from m's problem in nothing else.
func (m *model) limited(q Problem) *model {
	c := *m
	c.setLimits(q)
	return &c
}

// A limit is one that a problem sets and that can take part in a contradiction.
// It has levels: whole numbers from the one that is set to the loosest, which
// stands for no limit at all.
type limit struct {
	Conflict // without Nearest
	from, to int
	set      func(p *Problem, level int)
	show     func(level int) any // the value of a level
	// ordered says that a looser level never takes a placement away. It may
	// where a limit asks for Machines that spare others theirs: a region of two
	// Machines survives the loss of one without its neighbours.
	ordered bool
}

// limitsOf lists the limits of p in the order by which one of several smallest
// contradictions is preferred: that of Limits, then by region. The levels of
// max_p95_latency_ms are the latencies of ms, sorted, above it.
func limitsOf(p Problem, ms []float64) []limit {
	l := p.Limits
	count := func(name string, value, least, to int, at func(*Limits) *int) limit {
		if value <= least {
			return limit{}
		}
		return limit{
			Conflict: Conflict{Limit: name, Value: float64(value)}, from: value, to: to, show: number,
			set: func(p *Problem, level int) { *at(&p.Limits) = level },
		}
	}
	const all = maxCount * maxPlainCandidates
	list := []limit{
		inOrder(count("min_regions", l.MinRegions, 1, 1, func(l *Limits) *int { return &l.MinRegions })),
		inOrder(count("max_regions", l.MaxRegions, 0, max(l.MaxRegions, len(p.Candidates)), func(l *Limits) *int { return &l.MaxRegions })),
		inOrder(count("min_machines", l.MinMachines, 1, 1, func(l *Limits) *int { return &l.MinMachines })),
		inOrder(count("max_machines", l.MaxMachines, 0, all, func(l *Limits) *int { return &l.MaxMachines })),
		count("min_machines_per_region", l.MinMachinesPerRegion, 1, 1, func(l *Limits) *int { return &l.MinMachinesPerRegion }),
		inOrder(count("max_changes", l.MaxChanges, 0, all, func(l *Limits) *int { return &l.MaxChanges })),
		maxCost(l.MaxMonthlyCost),
		maxP95(l.MaxP95LatencyMS, ms),
		targetUtilization(l.TargetUtilization),
		survive(l.Survive),
		shrinkMargin(l.ShrinkMargin),
	}
	for _, i := range byRegion(p.Candidates) {
		list = append(list, limitsIn(p.Candidates, i)...)
	}
	return slices.DeleteFunc(list, func(l limit) bool { return l.Limit == "" })
}

func number(level int) any { return float64(level) }

func inOrder(l limit) limit {
	l.ordered = true
	return l
}

// byRegion lists the candidates by code.
func byRegion(list []Candidate) []int {
	at := make([]int, len(list))
	for i := range at {
		at[i] = i
	}
	slices.SortFunc(at, func(a, b int) int { return cmp.Compare(list[a].Region, list[b].Region) })
	return at
}

// maxCost has two levels: set and not set. Which values lie between, only a
// search tells.
func maxCost(usd float64) limit {
	if usd == 0 {
		return limit{}
	}
	return limit{
		Conflict: Conflict{Limit: "max_monthly_cost", Value: usd}, from: 1, ordered: true,
		set:  func(p *Problem, level int) { p.Limits.MaxMonthlyCost = usd * float64(level) },
		show: func(int) any { return nil },
	}
}

func maxP95(limitMS float64, ms []float64) limit {
	if limitMS == 0 {
		return limit{}
	}
	steps := slices.DeleteFunc(slices.Clone(ms), func(v float64) bool { return within(v, limitMS) })
	slices.Sort(steps)
	steps = append([]float64{limitMS}, slices.Compact(steps)...)
	return limit{
		Conflict: Conflict{Limit: "max_p95_latency_ms", Value: limitMS}, to: len(steps) - 1, ordered: true,
		set:  func(p *Problem, level int) { p.Limits.MaxP95LatencyMS = steps[level] },
		show: func(level int) any { return steps[level] },
	}
}

// targetUtilization has thousandths as its levels.
func targetUtilization(share float64) limit {
	if share == 0 || share == 1 {
		return limit{}
	}
	return limit{
		Conflict: Conflict{Limit: "target_utilization", Value: share}, from: int(share * 1000 * (1 + tol)), to: 1000,
		set:  func(p *Problem, level int) { p.Limits.TargetUtilization = float64(level) / 1000 },
		show: func(level int) any { return float64(level) / 1000 },
	}
}

func survive(what Survive) limit {
	levels := []Survive{None, Machine, Region}
	from := slices.Index(levels, what)
	if from <= 0 {
		return limit{}
	}
	return limit{
		Conflict: Conflict{Limit: "survive", Value: what}, from: from,
		set:  func(p *Problem, level int) { p.Limits.Survive = levels[level] },
		show: func(level int) any { return levels[level] },
	}
}

// shrinkMargin has two levels: set and none.
func shrinkMargin(share float64) limit {
	if share == 0 {
		return limit{}
	}
	return limit{
		Conflict: Conflict{Limit: "shrink_margin", Value: share}, from: 1,
		set:  func(p *Problem, level int) { p.Limits.ShrinkMargin = share * float64(level) },
		show: func(level int) any { return share * float64(level) },
	}
}

// limitsIn lists the limits of candidate i.
func limitsIn(list []Candidate, i int) []limit {
	c := list[i]
	var out []limit
	if c.Required {
		out = append(out, limit{
			Conflict: Conflict{Limit: "required", Region: c.Region, Value: true}, from: 1, ordered: true,
			set:  func(p *Problem, level int) { p.Candidates[i].Required = level == 1 },
			show: func(level int) any { return level == 1 },
		})
	}
	if c.MinMachines > 0 {
		out = append(out, limit{
			Conflict: Conflict{Limit: "min_machines", Region: c.Region, Value: float64(c.MinMachines)}, from: c.MinMachines,
			set:  func(p *Problem, level int) { p.Candidates[i].MinMachines = level },
			show: number,
		})
	}
	if c.MaxMachines > 0 {
		out = append(out, limit{
			Conflict: Conflict{Limit: "max_machines", Region: c.Region, Value: float64(c.MaxMachines)}, from: c.MaxMachines, to: maxCount,
			set:  func(p *Problem, level int) { p.Candidates[i].MaxMachines = level },
			show: number,
		})
	}
	return out
}
