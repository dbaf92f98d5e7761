package bridgetest

// world is what a law works with.
type world struct{}
