// Package region knows Fly.io's regions: their codes, places and areas, which
// of them run Machines, and which region stands in for a code that does not.
package region

// A Code is a region code as Fly.io writes it: three lower-case letters, "ams".
type Code string
