# What a developer or user does, each in a few lines; the work is in eng/.
.PHONY: build test run clean-run lint publish bench guest deps

build:            ## compile everything
	dotnet build Gantry.slnx --nologo -v q

deps:             ## install what is missing from the system's packages
	eng/install-deps.sh

publish:          ## the three programs, ahead-of-time compiled, in artifacts/bin
	eng/publish.sh

run: deps publish ## a real pod: see README
	eng/run.sh

clean-run:        ## end what `make run` started, and leave nothing behind
	eng/clean-run.sh

test: deps publish    ## every test, those that need root too, with one summary
	eng/install-deps.sh tests
	eng/test.sh

lint:             ## formatting and style
	eng/lint.sh

bench: deps publish ## pod start against containerd, memory, start of the daemon
	eng/bench.sh

guest:            ## the specs on cgroup v2, in a virtual machine
	eng/guest.sh
