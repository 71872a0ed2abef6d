// Command best serves Roster's users written by hand, the best that hands can do; see package hand.
package main

import "github.com/roster-api/roster/internal/bench/hand"

func main() { hand.Main(hand.Best) }
