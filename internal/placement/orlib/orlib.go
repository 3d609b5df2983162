// Package orlib reads published facility location problems and their optima:
// files of OR-Library (Beasley, Journal of the Operational Research Society 41,
// 1990) and of UflLib. Only tests and benchmarks need it; no program does.
package orlib

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// An Instance is a facility location problem: which facilities to open so that
// their fixed costs and the costs of serving each client from its cheapest open
// one are lowest.
type Instance struct {
	Name string
	// Fixed[s] is the cost of facility s, Cost[e][s] that of serving client e from it.
	Fixed []float64
	Cost  [][]float64
	// Open is how many facilities open, exactly; 0 is any number.
	Open int
	// Optimum is the published one, as rounded there.
	Optimum float64
}

// Read reads the instance with this file name, below orlib or uflib in dir:
// pmed*.txt without its ending, cap*.txt without its ending, M* (the format of
// cap*), and anything else in the simple format of UflLib.
func Read(dir, name string) (Instance, error) {
	in, err := read(dir, name)
	if err != nil {
		return Instance{}, fmt.Errorf("read instance %s: %w", name, err)
	}
	in.Name = name
	return in, nil
}

func read(dir, name string) (Instance, error) {
	path, format := filepath.Join(dir, "uflib", name), simple
	switch {
	case strings.HasPrefix(name, "pmed"):
		path, format = filepath.Join(dir, "orlib", name+".txt"), median
	case strings.HasPrefix(name, "cap"):
		path, format = filepath.Join(dir, "orlib", name+".txt"), warehouses
	case strings.HasPrefix(name, "M"):
		format = warehouses
	}
	n, err := numbers(path)
	if err != nil {
		return Instance{}, err
	}
	in := format(n)
	if n.bad {
		return Instance{}, fmt.Errorf("%s ends early, or has another format", path)
	}
	in.Optimum, err = optimum(path, name)
	return in, err
}

// optimum is the last number of the file beside the instance's or, for
// p-medians, what the table of optima says.
func optimum(path, name string) (float64, error) {
	if !strings.HasPrefix(name, "pmed") {
		n, err := numbers(path + ".opt")
		if err != nil {
			return 0, err
		}
		if len(n.left) == 0 {
			return 0, errors.New("no optimum in " + path + ".opt")
		}
		return n.left[len(n.left)-1], nil
	}
	table, err := os.ReadFile(filepath.Join(filepath.Dir(path), "pmedopt.txt"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == name {
			return strconv.ParseFloat(fields[1], 64)
		}
	}
	return 0, errors.New("pmedopt.txt has no optimum of it")
}

// A Link joins two vertices of a graph, counted from 0.
type Link struct {
	From, To int
	Length   float64
}

// Median returns the p-median problem on a connected graph of n vertices: they
// are facilities and clients, the shortest paths their distances. Of a repeated
// link the last counts, as in OR-Library's files. The links must name vertices.
func Median(n int, links []Link, open int) Instance {
	d := make([][]float64, n)
	for i := range d {
		d[i] = make([]float64, n)
		for j := range d[i] {
			if i != j {
				d[i][j] = math.Inf(1)
			}
		}
	}
	for _, l := range links {
		d[l.From][l.To], d[l.To][l.From] = l.Length, l.Length
	}
	for k := range d {
		for i := range d {
			for j := range d {
				d[i][j] = min(d[i][j], d[i][k]+d[k][j])
			}
		}
	}
	return Instance{Fixed: make([]float64, n), Cost: d, Open: open}
}

// median reads numbers of vertices, links and facilities to open, then the links.
func median(in *words) Instance {
	n, list := in.count(), make([]Link, in.count())
	open := in.count()
	for k := range list {
		list[k] = Link{in.vertex(n), in.vertex(n), in.next()}
	}
	if in.bad {
		return Instance{}
	}
	return Median(n, list, open)
}

// warehouses reads capacity and fixed cost of each facility, then demand and
// costs of each client. Capacity and demand are of another problem.
func warehouses(in *words) Instance {
	out := Instance{Fixed: make([]float64, in.count()), Cost: make([][]float64, in.count())}
	for s := range out.Fixed {
		in.next()
		out.Fixed[s] = in.next()
	}
	for e := range out.Cost {
		in.next()
		for range out.Fixed {
			out.Cost[e] = append(out.Cost[e], in.next())
		}
	}
	return out
}

// simple reads, for each facility, its number, its fixed cost and the costs of
// the clients.
func simple(in *words) Instance {
	out := Instance{Fixed: make([]float64, in.count()), Cost: make([][]float64, in.count())}
	in.next() // always 0
	for s := range out.Fixed {
		in.next()
		out.Fixed[s] = in.next()
		for e := range out.Cost {
			out.Cost[e] = append(out.Cost[e], in.next())
		}
	}
	return out
}

// words are the numbers of a file that are left to read.
type words struct {
	left []float64
	bad  bool // too few of them, or not what belongs there
}

func (w *words) next() float64 {
	if len(w.left) == 0 {
		w.bad = true
		return 0
	}
	v := w.left[0]
	w.left = w.left[1:]
	return v
}

// count reads a number of things; there are never more than numbers left.
func (w *words) count() int {
	v := w.next()
	if v < 0 || v > float64(len(w.left)) || v != math.Trunc(v) {
		w.bad = true
		return 0
	}
	return int(v)
}

// vertex reads one of n vertices, and counts it from 0.
func (w *words) vertex(n int) int {
	v := w.next()
	if v < 1 || v > float64(n) || v != math.Trunc(v) {
		w.bad = true
		return 0
	}
	return int(v) - 1
}

// numbers reads the numbers of a file; other words are left out.
func numbers(path string) (*words, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var w words
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 1<<20)
	scan.Split(bufio.ScanWords)
	for scan.Scan() {
		if v, err := strconv.ParseFloat(scan.Text(), 64); err == nil {
			w.left = append(w.left, v)
		}
	}
	return &w, scan.Err()
}
