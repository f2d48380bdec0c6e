// Sums over the threads of a workgroup, for workgroups of any size that is a power of two and subgroups of any size.
shared float partial_sums[gl_WorkGroupSize.x];

// Returns the sum of all threads' values, to all threads.
float sum_of_all(float value) {
  const uint thread = gl_LocalInvocationIndex;
  partial_sums[thread] = value;
  for (uint half_ = gl_WorkGroupSize.x / 2; half_ > 0; half_ /= 2) {
    barrier();
    if (thread < half_) {
      partial_sums[thread] += partial_sums[thread + half_];
    }
  }
  barrier();
  const float sum = partial_sums[0];
  barrier();
  return sum;
}
