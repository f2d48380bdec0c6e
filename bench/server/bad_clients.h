#pragma once

#include <atomic>

namespace streamdiffusion::bench {

// Each goes on until `stop`, and counts what it did in `rounds`.
using BadClient = void (*)(int port, const std::atomic<bool>& stop, std::atomic<int>& rounds);

/// Sends frames and never reads an answer.
void read_nothing(int port, const std::atomic<bool>& stop, std::atomic<int>& rounds);
/// Bytes that are no HTTP, requests that are wrong, messages and pictures that are none.
void send_garbage(int port, const std::atomic<bool>& stop, std::atomic<int>& rounds);
/// Leaves, without a word, in the middle of a frame.
void leave_in_mid_frame(int port, const std::atomic<bool>& stop, std::atomic<int>& rounds);
/// 200 at a time connect and leave.
void come_and_go(int port, const std::atomic<bool>& stop, std::atomic<int>& rounds);

}  // namespace streamdiffusion::bench
