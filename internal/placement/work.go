package placement

import (
	"runtime"
	"slices"
	"sync"
	"time"
)

// Within returns Options for about so much time on p. They bound the work and
// not the time, so that the answer is the same on every machine: one set of
// regions is taken to cost 2 µs and 4 ns for each pair of a candidate and an
// edge, as measured in November 2026 on one core of a cloud server for 10 to 60
// candidates, 20 to 100 edges and up to 168 hours. Another machine, or a
// problem that is easier or harder to look at, takes a fraction or a multiple.
func Within(p Problem, limit time.Duration) Options {
	perSet := 2*time.Microsecond + time.Duration(4*len(p.Candidates)*len(p.Edges))
	return Options{MaxNodes: int(max(1, limit/perSet))}
}

// solveAll solves the n problems that problem makes, several at a time and
// without looking for conflicts. opt bounds the work of all together: each may
// use an equal part, and those that are not proven then share what others left.
// So the answers do not depend on how many are solved at a time. They are made
// from a valid problem; one that Validate refuses all the same is beyond what
// Solve can do, and Unknown.
func solveAll(n int, opt Options, problem func(i int) Problem) []Solution {
	left := opt.nodes()
	sols := make([]Solution, n)
	open := make([]int, n)
	for i := range open {
		open[i] = i
	}
	for range 2 {
		if len(open) == 0 {
			break
		}
		each := Options{MaxNodes: max(1, left/len(open)), NoConflict: true}
		inParallel(open, func(i int) {
			var err error
			if sols[i], err = Solve(problem(i), each); err != nil {
				sols[i] = Solution{Status: Unknown}
			}
		})
		for _, i := range open {
			left -= sols[i].Nodes
		}
		open = slices.DeleteFunc(open, func(i int) bool { return sols[i].Status == Optimal || sols[i].Status == Infeasible })
		if len(open) == 0 || left/len(open) <= each.MaxNodes {
			break // not again what is already known
		}
	}
	return sols
}

// inParallel calls do for each of list, as many at a time as there are
// processors.
func inParallel(list []int, do func(i int)) {
	next := make(chan int)
	var wait sync.WaitGroup
	for range min(len(list), runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for _, i := range list {
		next <- i
	}
	close(next)
	wait.Wait()
}
