"""All benchmarks, one after the other."""

from benchmarks import commands, evaluate, replay, rules, signers

for benchmark in (evaluate, rules, signers, replay, commands):
    benchmark.main()
