#include "device/vulkan/computer.h"

#include <variant>

namespace streamdiffusion::vulkan {

void Computer::add(CommandList& list, const recording::Commands& commands, Address factors) {
  list_ = &list;
  commands_ = &commands;
  factors_ = factors;
  for (const recording::Command& command : commands.list) {
    std::visit([this](const auto& one) { add(one); }, command);
  }
}

void Computer::add(const recording::Conv2dCommand& command) {
  kernels_.multiply(*list_, matrix_of(command.weights),
                    {.x = command.x,
                     .padding = command.options.padding,
                     .row_bias = command.options.row_bias,
                     .residual = command.options.residual,
                     .activation = command.options.activation,
                     .out = command.out});
}

void Computer::add(const recording::LinearCommand& command) {
  kernels_.multiply(*list_, matrix_of(command.weights),
                    {.x = command.x,
                     .residual = command.options.residual,
                     .activation = command.options.activation,
                     .out = command.out});
}

void Computer::add(const recording::GroupNormCommand& command) {
  recording::ScratchPlan plan;
  plan.add(static_cast<std::int64_t>(Kernels::statistics_bytes(command.x.shape, command.groups)));
  kernels_.group_norm(*list_, command.x, vector_of(command.gain), vector_of(command.shift), command.groups,
                      command.epsilon, command.activation, address_of(scratch_.get(plan)), command.out);
}

void Computer::add(const recording::LayerNormCommand& command) {
  kernels_.layer_norm(*list_, command.x, vector_of(command.gain), vector_of(command.shift), command.epsilon,
                      command.out);
}

void Computer::add(const recording::AttentionCommand& command) {
  AttentionArguments arguments{.q = command.q,
                               .k = command.k,
                               .v = command.v,
                               .out = command.out,
                               .heads = command.heads,
                               .causal = command.causal};
  if (command.key_rows == 0) {
    arguments.rows = command.q.shape.n;
    arguments.key_row_step = 1;
    kernels_.attend(*list_, arguments);
    return;
  }
  recording::group_rows(commands_->key_rows_of(command), false, groups_);
  for (const recording::AttentionGroup& group : groups_) {
    arguments.first_row = group.queries.first;
    arguments.rows = group.queries.count;
    arguments.first_key_row = group.keys.first;
    arguments.key_rows = group.keys.count;
    kernels_.attend(*list_, arguments);
  }
}

void Computer::add(const recording::MapCommand& command) {
  kernels_.map(*list_, command.x, command.scale, command.activation, command.out_scale, command.shift,
               command.out);
}

void Computer::add(const recording::CopyCommand& command) { kernels_.copy(*list_, command.x, command.out); }

void Computer::add(const recording::AddCommand& command) {
  kernels_.add(*list_, command.x, command.y, command.out);
}

void Computer::add(const recording::CombineCommand& command) {
  kernels_.combine(*list_, command.x, command.y, factors_ + command.first_factor * sizeof(float),
                   command.out);
}

}  // namespace streamdiffusion::vulkan
