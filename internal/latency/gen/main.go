// Command gen derives the measured table and the model's coefficients of
// package latency from WonderProxy's ping survey of 2020-07-19/20, and reports
// how well the model does on cities that it has not seen.
//
//	go run ./internal/latency/gen -data FOLDER [-write internal/latency/survey_data.go]
//
// FOLDER holds wonderproxy_cities.csv (id, name, title, location, country,
// continent, lat, lon) and wonderproxy_rtt_pairs.csv (a, b, min_ms, avg_ms, km).
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
)

func main() {
	data := flag.String("data", os.Getenv("FLY_PLACER_LATENCY_DATA"), "folder of the survey's two files")
	write := flag.String("write", "", "write the table and the coefficients to this Go file")
	residuals := flag.Bool("residuals", false, "list where the model is worst on the cities that it may be designed on")
	flag.Parse()
	if err := run(*data, *write, *residuals); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(data, write string, residuals bool) error {
	s, err := readSurvey(data)
	if err != nil {
		return err
	}
	if residuals {
		reportResiduals(os.Stdout, s)
		return nil
	}
	report(os.Stdout, s)
	if write == "" {
		return nil
	}
	var out bytes.Buffer
	if err := writeGo(&out, s); err != nil {
		return err
	}
	return os.WriteFile(write, out.Bytes(), 0o644)
}
