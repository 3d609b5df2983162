// Package region knows Fly.io's regions: their codes, places and areas, which
// of them run Machines, and which region stands in for a code that does not.
package region

// A Code is a region code as Fly.io writes it: three lower-case letters, "ams".
type Code string

// Valid tells whether c has the shape of a region code: three lower-case
// letters. It says nothing about whether such a region exists.
func (c Code) Valid() bool {
	if len(c) != 3 {
		return false
	}
	for i := range len(c) {
		if c[i] < 'a' || c[i] > 'z' {
			return false
		}
	}
	return true
}
