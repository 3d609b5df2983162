package main

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/region"
)

// fly tells for each city whether a region of Fly.io's is mapped to it.
func (s *survey) fly() []bool {
	is := make([]bool, len(s.cities))
	for i, c := range s.cities {
		for _, name := range cityOf {
			is[i] = is[i] || name == c.name
		}
	}
	return is
}

// design tells for each city whether hubs and links may be chosen by the
// residuals on it: half of the cities that are none of Fly.io's, by a hash of
// the name. docs/latency.md says how far that was kept to.
func (s *survey) design() []bool {
	is, fly := make([]bool, len(s.cities)), s.fly()
	for i, c := range s.cities {
		h := fnv.New32a()
		h.Write([]byte(c.name))
		is[i] = !fly[i] && h.Sum32()%2 == 0
	}
	return is
}

// half draws half of the cities.
func (s *survey) half(seed uint64) []bool {
	half := make([]bool, len(s.cities))
	for i, at := range rand.New(rand.NewPCG(seed, 0)).Perm(len(half)) {
		half[at] = i < len(half)/2
	}
	return half
}

// within returns the usable samples with both ends in the set or, when want is
// false, both outside it.
func (s *survey) within(set []bool, want bool) []sample {
	var out []sample
	for _, p := range s.samples {
		if usable(p) && set[p.a] == want && set[p.b] == want {
			out = append(out, p)
		}
	}
	return out
}

func report(w io.Writer, s *survey) {
	ftl, n := 0, 0
	for _, p := range s.samples {
		if p.ftl {
			ftl++
		}
		if usable(p) {
			n++
		}
	}
	fmt.Fprintf(w, "%d cities, %d pairs, %d of them faster than light in fibre (left out), %d used\n\n", len(s.cities), len(s.samples), ftl, n)
	fmt.Fprintf(w, "%-44s %7s  %-18s %s\n", "relative error in %, median / p90", "pairs", "through hubs", "a + b·km")
	line := func(name string, train, test []sample) (hub, plain [2]float64) {
		c, k := fit(train, false), fit(train, true)
		e, f := errorsOf(c, test, false), errorsOf(k, test, true)
		hub = [2]float64{quantile(e, 0.5), quantile(e, 0.9)}
		plain = [2]float64{quantile(f, 0.5), quantile(f, 0.9)}
		fmt.Fprintf(w, "%-44s %7d  %5.1f / %-10.1f %5.1f / %.1f\n", name, len(test), 100*hub[0], 100*hub[1], 100*plain[0], 100*plain[1])
		return hub, plain
	}
	var hubs, plains [2]float64
	const seeds = 10
	for seed := range uint64(seeds) {
		half := s.half(seed)
		h, p := line(fmt.Sprintf("held-out half of the cities, seed %d", seed), s.within(half, true), s.within(half, false))
		for i := range 2 {
			hubs[i] += 100 * h[i] / seeds
			plains[i] += 100 * p[i] / seeds
		}
	}
	fmt.Fprintf(w, "%-44s %7s  %5.1f / %-10.1f %5.1f / %.1f\n\n", "mean of the seeds", "", hubs[0], hubs[1], plains[0], plains[1])

	design, fly := s.design(), s.fly()
	reserve := make([]bool, len(s.cities))
	deployable := make([]bool, len(s.cities))
	for i, c := range s.cities {
		reserve[i] = !design[i]
		for _, r := range region.BuiltIn().Deployable() {
			deployable[i] = deployable[i] || cityOf[r.Code] == c.name
		}
	}
	line("cities that the hubs were not designed on", s.within(design, true), s.within(reserve, true))
	line("pairs among Fly.io's cities, fitted on others", s.within(fly, false), s.within(fly, true))
	line("the deployable ones among them", s.within(fly, false), s.within(deployable, true))

	all := s.within(make([]bool, len(s.cities)), false)
	c := fit(all, false)
	fmt.Fprintf(w, "\nfitted on all: %.3f ms + %.6f ms/km by land + %.6f ms/km of trunk\n", c.A, c.Land, c.Trunk)
	k := fit(all, true)
	fmt.Fprintf(w, "a + b·km on all: %.3f ms + %.6f ms/km\n", k.A, k.Land)
	reportDetours(w, s)
	fmt.Fprintf(w, "\nworst pairs among Fly.io's cities, by that fit:\n")
	reportWorst(w, s, c, s.within(fly, true))
}

// reportDetours lists the pairs among Fly.io's cities that the table leaves out.
func reportDetours(w io.Writer, s *survey) {
	ms, fly := s.matrix(), s.fly()
	fmt.Fprintf(w, "\npairs among Fly.io's cities that a third city would have shortened by a third or more, not in the table:\n")
	for _, p := range s.samples {
		if fly[p.a] && fly[p.b] && !p.ftl && detour(ms, p.a, p.b) {
			fmt.Fprintf(w, "  %-14s %-14s measured %5.0f ms\n", s.cities[p.a].name, s.cities[p.b].name, p.ms)
		}
	}
}

func reportWorst(w io.Writer, s *survey, c latency.Coefficients, samples []sample) {
	slices.SortFunc(samples, func(p, q sample) int {
		return cmp.Compare(relative(c, q, false), relative(c, p, false))
	})
	for _, p := range samples[:min(20, len(samples))] {
		fmt.Fprintf(w, "  %-14s %-14s measured %5.0f ms, model %5.0f ms (%+.0f %%), %.0f km\n",
			s.cities[p.a].name, s.cities[p.b].name, p.ms, predict(c, p, false), 100*(predict(c, p, false)/p.ms-1), p.km)
	}
}

// reportResiduals lists where the model is worst on the cities that it may be
// designed on: by pair of countries, then by city; the largest sums of relative
// errors first.
func reportResiduals(w io.Writer, s *survey) {
	samples := s.within(s.design(), true)
	c := fit(samples, false)
	e := errorsOf(c, samples, false)
	fmt.Fprintf(w, "%+v, %d pairs: median %.1f %%, p90 %.1f %%\n", c, len(samples), 100*quantile(e, 0.5), 100*quantile(e, 0.9))
	countries, cities := map[string][]float64{}, map[string][]float64{}
	for _, p := range samples {
		a, b := s.cities[p.a], s.cities[p.b]
		signed := predict(c, p, false)/p.ms - 1
		pair := min(a.country, b.country) + " - " + max(a.country, b.country)
		countries[pair] = append(countries[pair], signed)
		cities[a.name] = append(cities[a.name], signed)
		cities[b.name] = append(cities[b.name], signed)
	}
	reportGroups(w, countries, 120)
	reportGroups(w, cities, 50)
}

func reportGroups(w io.Writer, groups map[string][]float64, most int) {
	sum := map[string]float64{}
	for name, signed := range groups {
		slices.Sort(signed)
		for _, x := range signed {
			sum[name] += max(x, -x)
		}
	}
	names := slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		return cmp.Or(cmp.Compare(sum[b], sum[a]), cmp.Compare(a, b))
	})
	for _, n := range names[:min(most, len(names))] {
		fmt.Fprintf(w, "%-40s n %4d  median %+5.0f %%  sum %.1f\n", n, len(groups[n]), 100*quantile(groups[n], 0.5), sum[n])
	}
}
