package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/region"
)

// cityOf names the survey's city for each region that it has a server for.
// Their distance is checked when the table is written. bom (nearest: Pune, 121
// km), gig (Sao Paulo, 355 km) and qro (Mexico City, 172 km) have none.
var cityOf = map[region.Code]string{
	"ams": "Amsterdam", "arn": "Stockholm", "cdg": "Paris", "dfw": "Dallas", "ewr": "Secaucus",
	"fra": "Frankfurt", "gru": "SaoPaulo", "iad": "Washington", "jnb": "Johannesburg",
	"lax": "LosAngeles", "lhr": "London", "nrt": "Tokyo", "ord": "Chicago", "sin": "Singapore",
	"sjc": "SanJose", "syd": "Sydney", "yyz": "Toronto",

	"atl": "Atlanta", "bog": "Bogota", "bos": "Boston", "den": "Denver", "eze": "BuenosAires",
	"gdl": "Guadalajara", "hkg": "HongKong", "maa": "Chennai", "mad": "Madrid", "mia": "Miami",
	"otp": "Bucharest", "phx": "Phoenix", "scl": "Santiago", "sea": "Seattle", "vin": "Washington",
	"waw": "Warsaw", "yul": "Montreal",

	"chi": "Chicago", "dxb": "Dubai", "ist": "Istanbul", "lga": "Manhattan", "mel": "Melbourne",
	"nyc": "Manhattan",
}

type city struct {
	id, name string
	row      region.Region // only the coordinates are set
	country  string
}

// A sample is one pair of cities; a and b index survey.cities.
type sample struct {
	a, b            int
	ms              float64 // mean of the directions
	km              float64 // great circle
	landKM, trunkKM float64 // as the model counts
	ftl             bool    // faster than light in fibre
}

type survey struct {
	cities  []city
	samples []sample // by a, b; a < b
}

// fibreKMPerMS is how far light gets in fibre (refractive index 1.468) and back
// in a millisecond.
const fibreKMPerMS = 102

func readSurvey(folder string) (*survey, error) {
	cities, err := rows(folder, "wonderproxy_cities.csv", []string{"id", "name", "title", "location", "country", "continent", "lat", "lon"})
	if err != nil {
		return nil, err
	}
	pairs, err := rows(folder, "wonderproxy_rtt_pairs.csv", []string{"a", "b", "min_ms", "avg_ms", "km"})
	if err != nil {
		return nil, err
	}
	s := &survey{}
	index := map[string]int{}
	var problems []error
	num := func(text string) float64 {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			problems = append(problems, err)
		}
		return x
	}
	for _, r := range cities {
		index[r[0]] = len(s.cities)
		s.cities = append(s.cities, city{id: r[0], name: r[1], country: r[4], row: region.Region{Lat: num(r[6]), Lon: num(r[7])}})
	}
	sum, count := map[[2]int]float64{}, map[[2]int]float64{}
	for i, r := range pairs {
		a, okA := index[r[0]]
		b, okB := index[r[1]]
		if !okA || !okB {
			problems = append(problems, fmt.Errorf("pair %d: unknown city", i+1))
			continue
		}
		if a == b {
			continue
		}
		key := [2]int{min(a, b), max(a, b)}
		sum[key] += num(r[3]) // both directions, where both are there
		count[key]++
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("read the survey: %w", errors.Join(problems...))
	}
	model := latency.NewHubModel(latency.Coefficients{})
	for key, total := range sum {
		a, b := s.cities[key[0]].row, s.cities[key[1]].row
		p := sample{a: key[0], b: key[1], ms: total / count[key], km: region.DistanceKM(a, b)}
		p.landKM, p.trunkKM = model.Length(a, b)
		p.ftl = p.ms < p.km/fibreKMPerMS
		s.samples = append(s.samples, p)
	}
	slices.SortFunc(s.samples, func(p, q sample) int { return slices.Compare([]int{p.a, p.b}, []int{q.a, q.b}) })
	return s, nil
}

// rows reads a CSV file with exactly these columns.
func rows(folder, file string, header []string) ([][]string, error) {
	f, err := os.Open(filepath.Join(folder, file))
	if err != nil {
		return nil, fmt.Errorf("read the survey: %w", err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read the survey: %s: %w", file, err)
	}
	if len(all) == 0 || !slices.Equal(all[0], header) {
		return nil, fmt.Errorf("read the survey: %s: the columns are not %v", file, header)
	}
	return all[1:], nil
}
