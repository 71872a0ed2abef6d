// Command seedway serves Roster's users written by hand, the seed's way; see package hand.
package main

import "github.com/roster-api/roster/internal/bench/hand"

func main() { hand.Main(hand.SeedWay) }
