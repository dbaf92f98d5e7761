package main

import "causeway/contrib/e2e/harness"

const partStart = "start"

func start(tb harness.TB, o options, r *Report) {}
