"""What a task on running text lets its user choose."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from rnn_tasks.config import Section, TaskConfig, TrainingConfig
from rnn_tasks.shapes.config import RecurrentConfig, samples_fewer_than_all
from rnn_tasks.text.config import StreamConfig


class LanguageModelConfig(RecurrentConfig):
    """The language model."""

    embedding_dim: int = Field(64, ge=1, le=8192, description="Length of a token's vector.")
    embedding_dropout: float = Field(
        0.0, ge=0, lt=1, description="Share of the vocabulary that is left out of a batch's input (Gal & Ghahramani)."
    )
    weight_dropout: float = Field(
        0.0, ge=0, lt=1, description="Share of the recurrent weights dropped in training, one mask a batch (Merity)."
    )
    variational: bool = Field(
        False,
        description="dropout keeps its masks over a batch's steps (Gal & Ghahramani) instead of drawing each anew.",
    )
    tied: bool = Field(False, description="The output projection is the tokens' vectors.")
    initial_scale: float = Field(
        0.0, ge=0, le=10, description="Weights start uniformly within ± this; 0 leaves it to the initializers."
    )

    @model_validator(mode="after")
    def _drops_weights_or_states(self):
        if self.weight_dropout and (self.recurrent_dropout or self.cell == "irnn"):
            found = "cell=irnn" if self.cell == "irnn" else f"recurrent_dropout={self.recurrent_dropout}"
            raise ValueError(f"weight_dropout: found {self.weight_dropout} and {found}; accepted is one of them alone")
        return self


class StreamTrainingConfig(TrainingConfig):
    """How it is trained: truncated backpropagation through time over parallel streams."""

    streams: int = Field(32, ge=1, le=65_536, description="Parts of the text that are read side by side.")
    truncation: int = Field(
        64, ge=1, le=100_000, description="Steps through which gradients go back; states go on for ever."
    )
    sampled_softmax: int = Field(
        0, ge=0, le=1_000_000, description="Tokens the loss compares with instead of all, in training; 0 is all."
    )


class StreamEvaluationConfig(Section):
    """How validation and test are read."""

    streams: int = Field(16, ge=1, le=4096, description="Parts of the text that are read side by side.")
    context: int = Field(
        256, ge=0, le=100_000, description="Tokens read before a part begins, which count for the part before."
    )
    dynamic_rate: float = Field(
        0.0,
        ge=0,
        le=10,
        description="Further metrics of a model that learns on while it is tested, by this rate; 0 is off.",
    )
    baseline_tokens: int = Field(
        5_000_000, ge=1, le=1_000_000_000, description="The n-gram model counts this much of the training text at most."
    )


class LanguageConfig(TaskConfig):
    """Everything a run depends on."""

    data: StreamConfig = StreamConfig()
    model: LanguageModelConfig = LanguageModelConfig()
    training: StreamTrainingConfig = StreamTrainingConfig()
    evaluation: StreamEvaluationConfig = StreamEvaluationConfig()

    @model_validator(mode="after")
    def _drops_weights_on_a_kernel(self):
        dropped = self.model.weight_dropout if self.model.cell == "peephole_lstm" else 0.0
        if dropped and (self.training.jit_compile or self.training.precision == "mixed_float16"):
            raise ValueError(
                f"model.weight_dropout: found {dropped} of a peephole_lstm; accepted is 0 with training.jit_compile or "
                "mixed_float16"
            )
        return self

    @model_validator(mode="after")
    def _samples_some(self):
        samples_fewer_than_all(self.training.sampled_softmax, self.data.vocabulary_size, "data.vocabulary_size is {}")
        return self


class DrawingOptions(Section):
    """How text is drawn."""

    temperature: float = Field(1.0, ge=1e-6, le=1000, description="Below 1 the likelier gains; towards 0 it takes all.")
    top_k: int = Field(0, ge=0, le=1_000_000, description="Draw among the k likeliest tokens alone; 0 is among all.")
    top_p: float = Field(1.0, gt=0, le=1, description="Draw among the likeliest that have this probability together.")
    seed: int = Field(1, ge=0, lt=2**31, description="The same draws the same.")


class GenerationOptions(DrawingOptions):
    """What `generate` lets its caller choose."""

    prompt: str = Field("", description="How the text begins.")
    length: int = Field(500, ge=1, le=10_000_000, description="Tokens that are written behind the prompt.")
    samples: int = Field(1, ge=1, le=1000, description="Texts; the second is the second, whatever their number.")

    @field_validator("prompt")
    @classmethod
    def _is_text(cls, value: str) -> str:
        try:
            value.encode()
        except UnicodeEncodeError:  # Python keeps bytes of a command line that are no text as lone surrogates
            raise ValueError("is no valid text; accepted is UTF-8") from None
        return value


class JudgingOptions(DrawingOptions):
    """What `predict` lets its caller choose."""

    length: int = Field(
        0, ge=0, le=100_000, description="Write each line on by so many tokens, instead of saying how likely it is."
    )
