package placement

import (
	"math/bits"
	"slices"
)

// A family is a problem in several variants, for instance one for each number
// of regions. Each is solved as if it were alone, but begins with a set near to
// the best of another and with its multipliers.
type family struct {
	*model
	variants []variant
}

type variant struct {
	*model
	start uint64
	prior *relaxation // of a variant like this one
	relax *relaxation // or of this one
}

// vary adds a variant of the problem.
func (f *family) vary(change func(m *model)) {
	m := *f.model
	m.must, m.ceiling = slices.Clone(m.must), slices.Clone(m.ceiling)
	change(&m)
	f.variants = append(f.variants, variant{model: &m})
}

// solve solves variant i.
func (f *family) solve(i int, opt Options) Solution {
	v := f.variants[i]
	s := newSearch(v.model, opt.MaxNodes)
	s.start, s.prior, s.relax = v.start, v.prior, v.relax
	s.run()
	return s.solution()
}

// prepare gives all variants a start and the multipliers of the problem.
func (f *family) prepare(start uint64, maxNodes int) {
	s := newSearch(f.model, maxNodes)
	s.start = start
	if s.warmUp(); !s.found {
		return
	}
	s.prepareBound()
	for i := range f.variants {
		f.variants[i].start, f.variants[i].prior = start, s.relax
	}
}

// spread begins with the best number of regions that is found quickly from start,
// and goes from each number to the next: the best set there is near to one with
// a region more or less, and the multipliers change little. Variant i opens i+1
// regions.
func (f *family) spread(start uint64, maxNodes int) {
	s := newSearch(f.model, maxNodes)
	s.start = start
	if s.warmUp(); !s.found {
		return
	}
	s.prepareBound()
	first := bits.OnesCount64(s.best.set) - 1
	step := func(i int, near variant) {
		v := &f.variants[i]
		s := newSearch(v.model, maxNodes)
		if s.least > s.most {
			return
		}
		s.start, s.prior = near.start, near.relax
		if s.warmUp(); s.found {
			s.prepareBound()
			v.start, v.relax = s.best.set, s.relax
		} else {
			v.prior = near.relax
		}
	}
	from := variant{start: s.best.set, relax: s.relax}
	for _, list := range f.outward(first) {
		near := from
		for _, i := range list {
			step(i, near)
			if f.variants[i].relax != nil {
				near = f.variants[i]
			}
		}
	}
}

// outward lists the variants from the first down, and from the next one up.
func (f *family) outward(first int) [2][]int {
	var list [2][]int
	for i := first; i >= 0; i-- {
		list[0] = append(list[0], i)
	}
	for i := first + 1; i < len(f.variants); i++ {
		list[1] = append(list[1], i)
	}
	return list
}
