"""Several readers: how far they are, how they agree, what stands where they do not, and the trail of it all."""
