import ArgumentParser
import Foundation
import PrismCore
import PrismRuns

struct ModelTrain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Trains a tokenizer and a small transformer on text files.",
        discussion: """
            The model is of GPT-2's architecture. The YAML file names the text and what differs from the defaults (one layer, \
            width 128, 512 ReLU neurons, 4,096 tokens of vocabulary, 20 million tokens of training):

              text: [data/corpus]
              tokens: 10000000
              activation: gelu

            All settings: \(ModelTraining.settings.joined(separator: ", ")).

            Examples:
              prism model train model.yaml --out models/mine
              prism model train --resume models/mine
              prism discover models/mine --text data/corpus --hook blocks.0.mlp.hook_post --out runs/mine

            The folder is a model as Hugging Face's transformers opens it. Ctrl-C stops at a checkpoint; --resume goes on, \
            and ends with the same bytes.
            """)

    @Argument(help: ArgumentHelp("A YAML file with the settings.", valueName: "config")) var config: String?
    @Option(help: ArgumentHelp("Folder to make for the model.", valueName: "folder")) var out: String?
    @Option(help: ArgumentHelp("Go on with the stopped training in this folder.", valueName: "folder")) var resume:
        String?
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func run() throws {
        Interrupt.install()
        let result = try training().finish()
        if json { return try printJSON(result) }
        print(
            String(
                format:
                    "%.3f nats a token, %.3f bits a byte on %d held-out tokens (by their frequencies alone %.3f nats)",
                result.nats_per_token, result.bits_per_byte, result.tokens, result.unigram_nats_per_token))
    }

    private func training() throws -> ModelTraining {
        if let resume {
            guard config == nil, out == nil else {
                throw PrismError.usage("--resume takes everything from the run; leave the configuration and --out away")
            }
            return try ModelTraining(resuming: URL(filePath: resume), workers: threads.workers)
        }
        guard let config, let out else {
            throw PrismError.usage(
                "say what to train and where it shall go: prism model train model.yaml --out models/mine")
        }
        return try ModelTraining(URL(filePath: config), at: URL(filePath: out), workers: threads.workers)
    }
}
