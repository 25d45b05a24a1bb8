# `make` leaves a runnable tree in dist/: this is what is installed into it.
