package placement

import "math"

// machines is the smallest number that carries load at each per Machine, up to tol.
func machines(load, each float64) int {
	return int(min(math.Ceil(load/each*(1-tol)), unlimited))
}

// own is how many Machines a region needs for its own load alone: the base
// count, and the one more that survives the loss of a Machine where the region
// must do that by itself, or that the shrink margin keeps. It never falls when
// load rises, which the bounds use.
func (m *model) own(s int, load float64, alone bool) (base, survive int) {
	base, survive = m.bare(s, load, alone)
	if held := m.held(s); held > survive {
		_, with := m.bare(s, load*(1+m.limits.ShrinkMargin), alone)
		survive = max(survive, min(held, with, survive+1))
	}
	return base, survive
}

// held is the most Machines that the shrink margin may keep in region s.
func (m *model) held(s int) int {
	if m.limits.ShrinkMargin == 0 {
		return 0
	}
	return min(m.live[s], m.ceiling[s])
}

// withstand is how many Machines carry load when another region is lost, with
// the shrink margin. It never falls when load rises.
func (m *model) withstand(s int, load float64) int {
	bare, with := machines(load, m.hard), machines(load*(1+m.limits.ShrinkMargin), m.hard)
	return max(bare, min(m.held(s), with, bare+1))
}

// bare is own without the shrink margin.
func (m *model) bare(s int, load float64, alone bool) (base, survive int) {
	base = max(m.floor[s], machines(load, m.quota))
	survive = base
	if m.limits.Survive == Machine && (base >= 2 || alone) {
		survive = max(base, machines(load, m.hard)+1)
		if math.IsInf(m.hard, 1) {
			survive = max(base, 2) // no load asks for it: the count does
		}
	}
	return base, survive
}

// spend is the least that region s, open with at least count Machines, adds to
// the objective beside its edges and beside what it costs closed: above count
// it keeps live Machines while that is cheaper than destroying them. It never
// falls when count rises, and limits only add to it.
func (m *model) spend(s, count int) float64 {
	live := m.live[s]
	if count < live && m.price[s] <= m.machineChange {
		count = live
	}
	usd := m.fixed + m.price[s]*float64(count) + m.machineChange*float64(abs(count-live))
	if live == 0 {
		return usd + m.change
	}
	return usd - m.change - m.machineChange*float64(live)
}

// capacity is the most load that count Machines of region s may carry: the
// inverse of own, for a region that is not alone.
func (m *model) capacity(s, count int) float64 {
	full := m.bareCapacity(s, count)
	if count >= m.held(s) {
		return full
	}
	// The load with the margin asks for no more, or the load for one less.
	grown := full / (1 + m.limits.ShrinkMargin)
	if count > m.floor[s] {
		grown = max(grown, m.bareCapacity(s, count-1))
	}
	return min(full, grown)
}

// bareCapacity is the inverse of bare.
func (m *model) bareCapacity(s, count int) float64 {
	if m.limits.Survive != Machine {
		return float64(count) * m.quota
	}
	load := 0.0
	if m.floor[s] == 1 {
		load = m.quota
	}
	if count > 1 {
		load = max(load, min(float64(count)*m.quota, float64(count-1)*m.hard))
	}
	return load
}
