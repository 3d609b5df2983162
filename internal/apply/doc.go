// Package apply makes a reviewed decision real without losing capacity,
// whatever fails (docs/design.md §8).
package apply
