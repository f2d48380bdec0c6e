#pragma once

#include <atomic>

namespace streamdiffusion::bench {

// Clients that behave badly. Each runs until `stop` and counts its rounds in `rounds`.
using BadClient = void (*)(int port, const std::atomic<bool>& stop, std::atomic<int>& rounds);

/// Sends frames and never reads an answer.
void read_nothing(int port, const std::atomic<bool>& stop, std::atomic<int>& rounds);
/// Sends bytes that are not HTTP, invalid messages and damaged images.
void send_garbage(int port, const std::atomic<bool>& stop, std::atomic<int>& rounds);
/// Resets the connection in the middle of a frame.
void leave_in_mid_frame(int port, const std::atomic<bool>& stop, std::atomic<int>& rounds);
/// Opens 200 connections at a time and closes them.
void come_and_go(int port, const std::atomic<bool>& stop, std::atomic<int>& rounds);

}  // namespace streamdiffusion::bench
