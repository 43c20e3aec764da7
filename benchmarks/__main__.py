"""All benchmarks, one after the other."""

from benchmarks import commands, evaluate, rules, signers

for benchmark in (evaluate, rules, signers, commands):
    benchmark.main()
