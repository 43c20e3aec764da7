"""All benchmarks, one after the other."""

from benchmarks import commands, evaluate, rules

for benchmark in (evaluate, rules, commands):
    benchmark.main()
