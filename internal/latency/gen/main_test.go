package main

import (
	"bytes"
	"math"
	"os"
	"testing"

	"github.com/fly-placer/fly-placer/internal/latency"
)

// data returns the survey, or skips the test: it is not part of the repository.
func data(t *testing.T) *survey {
	t.Helper()
	folder := os.Getenv("FLY_PLACER_LATENCY_DATA")
	if folder == "" {
		t.Skip("FLY_PLACER_LATENCY_DATA is not set to the folder of the survey")
	}
	s, err := readSurvey(folder)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheTableInTheRepositoryIsTheOneThatTheSurveyGives(t *testing.T) {
	s := data(t)
	var got bytes.Buffer
	if err := writeGo(&got, s); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../survey_data.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("internal/latency/survey_data.go is not what gen writes: run it again with -write")
	}
}

// The bars are those of docs/latency.md.
func TestModelOnCitiesThatItHasNotSeen(t *testing.T) {
	s := data(t)
	for seed := range uint64(3) {
		half := s.half(seed)
		train, test := s.within(half, true), s.within(half, false)
		hub := errorsOf(fit(train, false), test, false)
		plain := errorsOf(fit(train, true), test, true)
		if m := quantile(hub, 0.5); m > 0.105 || m > 0.7*quantile(plain, 0.5) {
			t.Errorf("seed %d: median error %.3f through hubs, %.3f for a + b·km", seed, m, quantile(plain, 0.5))
		}
		if p := quantile(hub, 0.9); p > 0.37 || p > 0.85*quantile(plain, 0.9) {
			t.Errorf("seed %d: 90th percentile %.3f through hubs, %.3f for a + b·km", seed, p, quantile(plain, 0.9))
		}
	}
	fly := s.fly()
	errs := errorsOf(fit(s.within(fly, false), false), s.within(fly, true), false)
	if m := quantile(errs, 0.5); m > 0.1 {
		t.Errorf("pairs among Fly.io's cities, fitted on others: median error %.3f", m)
	}
}

func TestFitFindsTheCoefficientsOfCleanSamplesDespiteOutliers(t *testing.T) {
	want := latency.Coefficients{A: 6, Land: 0.02, Trunk: 0.013}
	var samples []sample
	for i := range 200 {
		p := sample{landKM: float64(37 * i % 4000), trunkKM: float64(i % 3 * 97 * (i % 50))}
		p.ms = want.RTT(p.landKM, p.trunkKM)
		if i%10 == 0 {
			p.ms *= 3
		}
		samples = append(samples, p)
	}
	got := fit(samples, false)
	if math.Abs(got.A-want.A) > 0.01 || math.Abs(got.Land-want.Land) > 1e-4 || math.Abs(got.Trunk-want.Trunk) > 1e-4 {
		t.Errorf("fit = %+v, want %+v", got, want)
	}
}

func TestDetourIsAThirdCityThatSavesAThird(t *testing.T) {
	inf := math.Inf(1)
	ms := [][]float64{{inf, 90, 30}, {90, inf, 30}, {30, 30, inf}}
	if !detour(ms, 0, 1) || detour(ms, 0, 2) {
		t.Error("60 ms in place of 90 are a detour, 30 in place of 120 are none")
	}
	ms[0][1], ms[1][0] = 89, 89
	if detour(ms, 0, 1) {
		t.Error("60 ms in place of 89 are not two thirds")
	}
}

func TestReadSurveySaysWhatIsWrong(t *testing.T) {
	if _, err := readSurvey(t.TempDir()); err == nil {
		t.Error("an empty folder is taken for a survey")
	}
}
