package main

import (
	"math"
	"slices"

	"github.com/fly-placer/fly-placer/internal/latency"
)

// minKM is the distance below which the product answers 1 ms by rule.
const minKM = 25

// usable tells whether a sample says something about cables: not within a
// city, and not faster than light, where a server is not in the city it names.
func usable(p sample) bool { return p.km > minKM && !p.ftl }

// fit minimises the sum of |predicted - observed| / observed by iteratively
// reweighted least squares. straight fits the plain a + b·km instead.
func fit(samples []sample, straight bool) latency.Coefficients {
	weight := make([]float64, len(samples))
	for i := range weight {
		weight[i] = 1
	}
	var c latency.Coefficients
	for range 60 {
		var m [3][4]float64 // normal equations
		for i, p := range samples {
			x := [3]float64{1, p.landKM, p.trunkKM}
			if straight {
				x = [3]float64{1, p.km, 0}
			}
			w := weight[i] / (p.ms * p.ms)
			for r := range 3 {
				for k := range 3 {
					m[r][k] += w * x[r] * x[k]
				}
				m[r][3] += w * x[r] * p.ms
			}
		}
		if straight {
			m[2] = [4]float64{0, 0, 1, 0}
		}
		x := solve(m)
		c = latency.Coefficients{A: x[0], Land: x[1], Trunk: x[2]}
		for i, p := range samples {
			weight[i] = 1 / max(1e-4, relative(c, p, straight))
		}
	}
	return c
}

// solve solves three linear equations by elimination with pivoting.
func solve(m [3][4]float64) [3]float64 {
	for i := range 3 {
		pivot := i
		for r := i; r < 3; r++ {
			if math.Abs(m[r][i]) > math.Abs(m[pivot][i]) {
				pivot = r
			}
		}
		m[i], m[pivot] = m[pivot], m[i]
		for r := range 3 {
			if r == i {
				continue
			}
			f := m[r][i] / m[i][i]
			for k := range 4 {
				m[r][k] -= f * m[i][k]
			}
		}
	}
	return [3]float64{m[0][3] / m[0][0], m[1][3] / m[1][1], m[2][3] / m[2][2]}
}

func predict(c latency.Coefficients, p sample, straight bool) float64 {
	if straight {
		return c.RTT(p.km, 0)
	}
	return c.RTT(p.landKM, p.trunkKM)
}

// relative is |predicted - observed| / observed.
func relative(c latency.Coefficients, p sample, straight bool) float64 {
	return math.Abs(predict(c, p, straight)-p.ms) / p.ms
}

// errorsOf returns the relative errors, sorted.
func errorsOf(c latency.Coefficients, samples []sample, straight bool) []float64 {
	e := make([]float64, len(samples))
	for i, p := range samples {
		e[i] = relative(c, p, straight)
	}
	slices.Sort(e)
	return e
}

func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
